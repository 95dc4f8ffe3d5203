/** The form of a change of a table that is said without SQL. Apps and workflows share it. */
import { Plus, Trash2 } from 'lucide-react'
import { useId, useState } from 'react'
import type { TableChange } from '../api/types'
import { type AtMost, type ChangeKind, type Condition, type Operator, changeKinds, changeOf, operators } from '../document/table-change'
import { Button } from './Button'
import { CheckField, SelectField, TextField } from './Field'
import { PairsField } from './PairsField'
import { useSchema } from './schema'

interface Props {
  resource: string
  change: TableChange
  /** Changes with the same key within a moment are one step of undo. */
  onChange: (change: TableChange, key?: string) => void
}

export function TableChangeForm({ resource, change, onChange }: Props) {
  const id = useId()
  const schema = useSchema(resource)
  const tables = schema?.tables ?? []
  const inSchema = tables.filter((table) => !change.schema || table.schema === change.schema)
  const columns = inSchema.find((table) => table.name === change.table)?.columns ?? []
  const set = (part: object, key: string) => onChange({ ...change, ...part } as TableChange, key)
  const columnList = `${id}-columns`
  return (
    <div className="stack table-change">
      <SelectField label="Action" value={change.do} options={Object.entries(changeKinds)} onChange={({ target }) => onChange(changeOf(target.value as ChangeKind, change))} />
      <div className="form-grid">
        <TextField label="Table" className="mono" list={`${id}-tables`} placeholder="customers" value={change.table} onChange={({ target }) => set({ table: target.value }, 'table')} />
        <TextField label="Schema" className="mono" list={`${id}-schemas`} placeholder="by search path" value={change.schema ?? ''} onChange={({ target }) => set({ schema: target.value === '' ? undefined : target.value }, 'schema')} />
      </div>
      <Options id={`${id}-tables`} values={inSchema.map((table) => table.name)} />
      <Options id={`${id}-schemas`} values={tables.map((table) => table.schema)} />
      <Options id={columnList} values={columns.map((column) => column.name)} />
      {'values' in change ? <PairsField label="Values" noun="column" names={columnList} placeholders={['column', 'a JavaScript expression']} value={change.values} onChange={(values) => set({ values }, 'values')} /> : null}
      {'rows' in change ? (
        <>
          <TextField label="Rows" className="mono" placeholder="load.rows" hint="A JavaScript expression: a list of objects, each with all columns as keys." value={change.rows} onChange={({ target }) => set({ rows: target.value }, 'rows')} />
          <NamesField label="Columns" hint="What is written of each object; other keys are passed by." value={change.columns} onChange={(next) => set({ columns: next }, 'columns')} />
        </>
      ) : null}
      {'conflict' in change ? <NamesField label="Conflict columns" hint="Those of a unique index: a row that is the same in them is updated." value={change.conflict} onChange={(conflict) => set({ conflict }, 'conflict')} /> : null}
      {'where' in change ? (
        <>
          <Conditions names={columnList} value={change.where} onChange={(where) => set({ where }, 'where')} />
          <Guard value={change['at-most'] ?? 1} onChange={(atMost) => set({ 'at-most': atMost === 1 ? undefined : atMost }, 'at-most')} />
        </>
      ) : null}
    </div>
  )
}

function Options({ id, values }: { id: string; values: string[] }) {
  return (
    <datalist id={id}>
      {[...new Set(values)].map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  )
}

function Conditions({ names, value, onChange }: { names: string; value: Condition[]; onChange: (value: Condition[]) => void }) {
  const edit = (index: number, part: Partial<Condition>) => onChange(value.map((old, at) => (at === index ? { ...old, ...part } : old)))
  return (
    <div className="field compact" role="group" aria-label="Where">
      <span className="label">Where all of these hold</span>
      <ul className="rows">
        {value.map((condition, index) => (
          <li key={index} className="condition">
            <input className="input mono" aria-label={`Column of condition ${index + 1}`} placeholder="id" spellCheck={false} list={names} value={condition.column} onChange={({ target }) => edit(index, { column: target.value })} />
            <select
              className="input"
              aria-label={`Operator of condition ${index + 1}`}
              value={condition.operator ?? '='}
              onChange={({ target }) => {
                const operator = target.value as Operator
                edit(index, operator === 'is-null' ? { operator, value: '' } : { operator })
              }}
            >
              {Object.entries(operators).map(([operator, text]) => (
                <option key={operator} value={operator}>
                  {text}
                </option>
              ))}
            </select>
            <input className="input mono" aria-label={`Value of condition ${index + 1}`} placeholder={condition.operator === 'in' ? '[1, 2]' : 'a JavaScript expression'} disabled={condition.operator === 'is-null'} spellCheck={false} value={condition.value ?? ''} onChange={({ target }) => edit(index, { value: target.value })} />
            <Button variant="ghost" size="small" icon={Trash2} label={`Remove condition ${index + 1}`} onClick={() => onChange(value.filter((_, at) => at !== index))} />
          </li>
        ))}
      </ul>
      <div>
        <Button size="small" icon={Plus} onClick={() => onChange([...value, { column: '', operator: '=', value: '' }])}>
          Add condition
        </Button>
      </div>
    </div>
  )
}

function Guard({ value, onChange }: { value: AtMost; onChange: (value: AtMost) => void }) {
  const isAny = value === 'any'
  return (
    <div className="stack">
      <TextField
        label="Rows at most"
        type="number"
        min={1}
        disabled={isAny}
        hint="If more rows fit the conditions, none changes and the query fails."
        value={isAny ? '' : value}
        onChange={({ target }) => onChange(Number.isNaN(target.valueAsNumber) ? 0 : target.valueAsNumber)}
      />
      <CheckField label="Any number of rows" checked={isAny} onChange={({ target }) => onChange(target.checked ? 'any' : 1)} />
    </div>
  )
}

const namesOf = (text: string) => text.split(',').map((name) => name.trim()).filter(Boolean)

/** Names with commas between them. What is typed stays as typed for as long as it means the value. */
function NamesField({ label, value, onChange, hint }: { label: string; value: string[]; onChange: (value: string[]) => void; hint: string }) {
  const [typed, setTyped] = useState('')
  const shown = namesOf(typed).join() === value.join() ? typed : value.join(', ')
  return (
    <TextField
      label={label}
      className="mono"
      hint={hint}
      placeholder="id, name"
      value={shown}
      onChange={({ target }) => {
        setTyped(target.value)
        onChange(namesOf(target.value))
      }}
    />
  )
}
