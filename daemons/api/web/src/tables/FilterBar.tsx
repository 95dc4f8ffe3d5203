/** Which rows are shown: chips that can be taken away, and a form for one more. */
import { Plus, X } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { RowFilter, TableDefinition } from '../api/types'
import { Button } from '../ui/Button'
import { isTextType } from './edits'
import { operators } from './view-address'

interface Props {
  table: TableDefinition
  filters: RowFilter[]
  total: number | undefined
  onChange: (filters: RowFilter[]) => void
}

const takesValue = (operator: RowFilter['operator']) => operator !== 'is-null' && operator !== 'is-not-null'

export function FilterBar({ table, filters, total, onChange }: Props) {
  const [column, setColumn] = useState(table.columns[0]?.name ?? '')
  const [chosen, setOperator] = useState<RowFilter['operator']>()
  const [value, setValue] = useState('')
  const found = table.columns.find(({ name }) => name === column) ?? table.columns[0]
  const operator = chosen ?? (found && isTextType(found.type) ? 'contains' : 'equal')
  const add = (event: FormEvent) => {
    event.preventDefault()
    if (!found) return
    onChange([...filters, { column: found.name, operator, value: takesValue(operator) ? value : '' }])
    setValue('')
    setOperator(undefined)
  }
  return (
    <div className="sheet-filters">
      <form className="row wrap" role="search" aria-label="Filter rows" onSubmit={add}>
        <select className="input" aria-label="Column" value={found?.name ?? ''} onChange={({ target }) => setColumn(target.value)}>
          {table.columns.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <select className="input" aria-label="Comparison" value={operator} onChange={({ target }) => setOperator(target.value as RowFilter['operator'])}>
          {Object.entries(operators).map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
        {takesValue(operator) ? <input className="input" aria-label="Value" placeholder="Value" value={value} onChange={({ target }) => setValue(target.value)} /> : null}
        <Button type="submit" icon={Plus}>
          Filter
        </Button>
      </form>
      {filters.map((filter, at) => (
        <span key={`${at} ${filter.column}`} className="sheet-chip">
          <span className="truncate">
            <span className="mono">{filter.column}</span> {operators[filter.operator]} {takesValue(filter.operator) ? <strong>{filter.value === '' ? '""' : filter.value}</strong> : null}
          </span>
          <button type="button" aria-label={`Remove the filter on ${filter.column}`} onClick={() => onChange(filters.filter((_, other) => other !== at))}>
            <X size={12} aria-hidden />
          </button>
        </span>
      ))}
      <span className="muted nowrap sheet-total" role="status">
        {total === undefined ? '' : total === 1 ? '1 row' : `${total.toLocaleString('en')} rows`}
      </span>
    </div>
  )
}
