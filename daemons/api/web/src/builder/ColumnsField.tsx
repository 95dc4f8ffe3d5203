/** The columns of a table: all of its data's, or chosen ones with labels and formats. */
import { Plus, Trash2 } from 'lucide-react'
import { useProperty } from '../components/runtime-context'
import { Button } from '../ui/Button'

interface Column {
  key: string
  label?: string
  format?: string
}

const formats = ['', 'number', 'currency', 'percent', 'date', 'datetime']

export function ColumnsField({ name, value, onChange }: { name: string; value: unknown; onChange: (value: unknown) => void }) {
  const data = useProperty(name, 'data')
  const keys = Object.keys((Array.isArray(data) && typeof data[0] === 'object' && data[0] !== null ? data[0] : {}) as object)
  const columns: Column[] = Array.isArray(value) ? value.filter((column): column is Column => typeof column === 'object' && column !== null && 'key' in column) : []
  const change = (index: number, part: Partial<Column>) => onChange(columns.map((column, at) => (at === index ? withoutEmpty({ ...column, ...part }) : column)))
  if (columns.length === 0) {
    return (
      <div className="field">
        <span className="label">Columns</span>
        <p className="hint">All columns of the data are shown.</p>
        <Button size="small" onClick={() => onChange(keys.length > 0 ? keys.map((key) => ({ key })) : [{ key: 'id' }])}>
          Choose columns
        </Button>
      </div>
    )
  }
  return (
    <div className="field" role="group" aria-label="Columns">
      <span className="label">Columns</span>
      {columns.map((column, index) => (
        <div key={index} className="column-row">
          <input className="input mono" aria-label={`Key of column ${index + 1}`} list={`${name}-keys`} value={column.key} onChange={(event) => change(index, { key: event.target.value })} />
          <input className="input" aria-label={`Label of column ${index + 1}`} placeholder="Label" value={column.label ?? ''} onChange={(event) => change(index, { label: event.target.value })} />
          <select className="input" aria-label={`Format of column ${index + 1}`} value={column.format ?? ''} onChange={(event) => change(index, { format: event.target.value })}>
            {formats.map((format) => (
              <option key={format} value={format}>
                {format || 'as is'}
              </option>
            ))}
          </select>
          <Button variant="ghost" size="small" icon={Trash2} label={`Remove column ${column.key}`} onClick={() => onChange(columns.length === 1 ? undefined : columns.filter((_, at) => at !== index))} />
        </div>
      ))}
      <datalist id={`${name}-keys`}>
        {keys.map((key) => (
          <option key={key} value={key} />
        ))}
      </datalist>
      <div className="row">
        <Button size="small" icon={Plus} onClick={() => onChange([...columns, { key: keys.find((key) => !columns.some((column) => column.key === key)) ?? 'key' }])}>
          Add column
        </Button>
        <Button size="small" variant="ghost" onClick={() => onChange(undefined)}>
          Show all
        </Button>
      </div>
    </div>
  )
}

function withoutEmpty(column: Column): Column {
  return { key: column.key, ...(column.label ? { label: column.label } : {}), ...(column.format ? { format: column.format } : {}) }
}
