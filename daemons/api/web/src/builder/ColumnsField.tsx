/** The columns of a table: all of its data's, or chosen ones, each with what it shows and may do. */
import { ArrowDown, ArrowUp, Plus, Settings2, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { columnTypes, summaries } from '../components/kinds/table/columns'
import { useProperty } from '../components/runtime-context'
import { Button } from '../ui/Button'
import { CheckField, SelectField, TextField } from '../ui/Field'
import { JsonField } from '../ui/JsonField'

/** What is written down for a column. What is not known here is kept. */
type Column = { key: string } & Record<string, unknown>

const formats = ['', ...columnTypes.filter((type) => type !== 'text')]
const aligns = [['', 'As its kind'], ['left', 'Left'], ['center', 'Centre'], ['right', 'Right']] as const
const pins = [['', 'No'], ['left', 'Left'], ['right', 'Right']] as const
const sums = [['', 'None'], ...summaries.map((summary) => [summary, summary] as const)] as const

const written = (value: unknown) => (value === undefined || value === null ? '' : String(value))

export function ColumnsField({ name, value, onChange }: { name: string; value: unknown; onChange: (value: unknown) => void }) {
  const data = useProperty(name, 'data')
  const [open, setOpen] = useState<number>()
  const keys = Object.keys((Array.isArray(data) && typeof data[0] === 'object' && data[0] !== null ? data[0] : {}) as object)
  const columns: Column[] = Array.isArray(value) ? value.filter((column): column is Column => typeof column === 'object' && column !== null && 'key' in column) : []
  const change = (index: number, part: Record<string, unknown>) => onChange(columns.map((column, at) => (at === index ? withoutEmpty({ ...column, ...part }) : column)))
  const move = (index: number, by: number) => {
    const moved = [...columns]
    const [column] = moved.splice(index, 1)
    if (column) moved.splice(index + by, 0, column)
    setOpen(index + by)
    onChange(moved)
  }
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
        <div key={index} className="column-entry">
          <div className="column-row">
            <input className="input mono" aria-label={`Key of column ${index + 1}`} list={`${name}-keys`} value={column.key} onChange={(event) => change(index, { key: event.target.value })} />
            <input className="input" aria-label={`Label of column ${index + 1}`} placeholder="Label" value={written(column.label)} onChange={(event) => change(index, { label: event.target.value })} />
            <select className="input" aria-label={`Format of column ${index + 1}`} value={written(column.format)} onChange={(event) => change(index, { format: event.target.value })}>
              {formats.map((format) => (
                <option key={format} value={format}>
                  {format || 'as is'}
                </option>
              ))}
            </select>
            <Button variant="ghost" size="small" icon={Settings2} label={`More of column ${column.key}`} aria-expanded={open === index} onClick={() => setOpen(open === index ? undefined : index)} />
          </div>
          {open === index ? (
            <div className="column-more">
              <ColumnFields column={column} onChange={(part) => change(index, part)} />
              <div className="row">
                <Button variant="ghost" size="small" icon={ArrowUp} label={`Move column ${column.key} up`} disabled={index === 0} onClick={() => move(index, -1)} />
                <Button variant="ghost" size="small" icon={ArrowDown} label={`Move column ${column.key} down`} disabled={index === columns.length - 1} onClick={() => move(index, 1)} />
                <Button
                  variant="ghost"
                  size="small"
                  icon={Trash2}
                  label={`Remove column ${column.key}`}
                  onClick={() => {
                    setOpen(undefined)
                    onChange(columns.length === 1 ? undefined : columns.filter((_, at) => at !== index))
                  }}
                />
              </div>
            </div>
          ) : null}
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

function ColumnFields({ column, onChange }: { column: Column; onChange: (part: Record<string, unknown>) => void }) {
  const { format } = column
  const number = (text: string) => (text.trim() === '' || Number.isNaN(Number(text)) ? undefined : Number(text))
  const choice = (key: string, label: string, options: readonly (readonly [string, string])[]) => <SelectField label={label} options={options} value={written(column[key])} onChange={(event) => onChange({ [key]: event.target.value })} />
  return (
    <>
      <div className="place-grid">
        {choice('align', 'Align', aligns)}
        {choice('pin', 'Pinned', pins)}
        {choice('summary', 'Summary', sums)}
        <TextField label="Width" type="number" value={written(column.width)} onChange={(event) => onChange({ width: number(event.target.value) })} />
        {format === 'currency' ? <TextField label="Currency" placeholder="EUR" value={written(column.currency)} onChange={(event) => onChange({ currency: event.target.value })} /> : null}
        {format === 'currency' || format === 'number' || format === 'percent' ? <TextField label="Decimals" type="number" value={written(column.decimals)} onChange={(event) => onChange({ decimals: number(event.target.value) })} /> : null}
        {format === 'button' || format === 'link' ? <TextField label="Text" value={written(column.text)} onChange={(event) => onChange({ text: event.target.value })} /> : null}
      </div>
      <CheckField label="Can be edited" checked={column.editable === true} onChange={(event) => onChange({ editable: event.target.checked || undefined })} />
      <CheckField label="Hidden at first" checked={column.hidden === true} onChange={(event) => onChange({ hidden: event.target.checked || undefined })} />
      {format === 'tag' ? <JsonField label="Colours by value" placeholder={'{ "late": "danger", "paid": "success" }'} value={column.tones} onChange={(tones) => onChange({ tones })} /> : null}
      {column.editable === true && format !== 'boolean' ? <JsonField label="What it may hold" placeholder={'["open", "paid"]'} value={column.options} onChange={(options) => onChange({ options })} /> : null}
    </>
  )
}

function withoutEmpty(column: Column): Column {
  return Object.fromEntries(Object.entries(column).filter(([key, value]) => key === 'key' || (value !== undefined && value !== ''))) as Column
}
