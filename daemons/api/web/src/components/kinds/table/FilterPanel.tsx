/** The filters of a table: all of them hold together. */
import { Plus, Trash2 } from 'lucide-react'
import { textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { message, t } from '../../../messages/messages'
import type { Filter } from './arrange'
import { type Operator, operators } from './operators'
import { type Column, isNumericType } from './columns'
import type { TableModel } from './use-table'

const texts = { contains: message('contains'), is: message('is'), 'is-not': message('is not'), from: message('from'), to: message('up to'), empty: message('is empty'), filled: message('is not empty') } satisfies Record<Operator, string>

function operatorsFor({ type }: Column): Operator[] {
  const isOrdered = isNumericType(type) || type === 'date' || type === 'datetime'
  if (type === 'boolean') return ['is', 'is-not', 'empty', 'filled']
  return operators.filter((operator) => (isOrdered ? operator !== 'contains' : operator !== 'from' && operator !== 'to'))
}

function firstFilter(column: Column): Filter {
  return { key: column.key, operator: operatorsFor(column)[0] ?? 'is', value: column.type === 'boolean' ? 'true' : '' }
}

export function FilterPanel({ table }: { table: TableModel }) {
  const { filters } = table.order
  const columns = table.columns.filter(({ type }) => type !== 'button' && type !== 'image')
  const set = (next: Filter[]) => table.setOrder({ filters: next }, 'filter-change')
  const change = (index: number, part: Partial<Filter>) => set(filters.map((filter, at) => (at === index ? { ...filter, ...part } : filter)))
  const [first] = columns
  return (
    <div className="table-panel table-filters">
      {filters.map((filter, index) => {
        const column = columns.find((one) => one.key === filter.key) ?? first
        if (!column) return null
        return (
          <div key={index} className="table-filter">
            <select
              className="input"
              aria-label={t('Column of filter {number}', { number: index + 1 })}
              value={column.key}
              onChange={(event) => {
                const next = columns.find((one) => one.key === event.target.value)
                if (next) change(index, firstFilter(next))
              }}
            >
              {columns.map(({ key, label }) => (
                <option key={key} value={key}>
                  {label}
                </option>
              ))}
            </select>
            <select className="input" aria-label={t('How filter {number} compares', { number: index + 1 })} value={filter.operator} onChange={(event) => change(index, { operator: event.target.value as Operator })}>
              {operatorsFor(column).map((operator) => (
                <option key={operator} value={operator}>
                  {t(texts[operator])}
                </option>
              ))}
            </select>
            {filter.operator === 'empty' || filter.operator === 'filled' ? <span /> : <FilterValue column={column} filter={filter} label={t('Value of filter {number}', { number: index + 1 })} onChange={(value) => change(index, { value })} />}
            <Button variant="ghost" size="small" icon={Trash2} label={t('Remove filter {number}', { number: index + 1 })} onClick={() => set(filters.filter((_, at) => at !== index))} />
          </div>
        )
      })}
      {filters.length === 0 ? <p className="hint muted">{t('All rows show.')}</p> : null}
      <div className="row">
        <Button size="small" icon={Plus} disabled={!first || filters.length >= 20} onClick={() => first && set([...filters, firstFilter(first)])}>
          {t('Add filter')}
        </Button>
        {filters.length > 0 ? (
          <Button size="small" variant="ghost" onClick={() => set([])}>
            {t('Remove all')}
          </Button>
        ) : null}
      </div>
    </div>
  )
}

function FilterValue({ column, filter, label, onChange }: { column: Column; filter: Filter; label: string; onChange: (value: string) => void }) {
  const choices = column.type === 'boolean' ? [{ value: 'true', label: t('Yes') }, { value: 'false', label: t('No') }] : column.options
  if (choices.length > 0) {
    return (
      <select className="input" aria-label={label} value={filter.value} onChange={(event) => onChange(event.target.value)}>
        {filter.value === '' ? <option value="">{t('Choose…')}</option> : null}
        {choices.map((option) => (
          <option key={textOf(option.value)} value={textOf(option.value)}>
            {option.label}
          </option>
        ))}
      </select>
    )
  }
  const type = column.type === 'date' ? 'date' : column.type === 'datetime' ? 'datetime-local' : isNumericType(column.type) ? 'number' : 'text'
  return <input className="input" type={type} step="any" aria-label={label} value={filter.value} onChange={(event) => onChange(event.target.value)} />
}
