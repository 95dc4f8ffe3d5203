/** A new, empty table: its name and columns, then the SQL that makes it. */
import { useNavigate } from '@tanstack/react-router'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { SchemaChange } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { CheckField, SelectField, TextField } from '../ui/Field'
import { ChangeDialog } from './ChangeDialog'
import { type NewColumn, kinds } from './ColumnFields'
import './tables.css'

const blank: NewColumn = { name: '', kind: 'text' }

export function NewTable({ resource, onClose }: { resource: string; onClose: () => void }) {
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [columns, setColumns] = useState<NewColumn[]>([{ ...blank }])
  const [change, setChange] = useState<SchemaChange>()
  const set = (at: number, part: Partial<NewColumn>) => setColumns(columns.map((column, other) => (other === at ? { ...column, ...part } : column)))
  const own = columns.filter((column) => column.name !== '')
  const key = own.some((column) => column.name === 'id') ? 'row_id' : 'id'
  if (change) {
    return <ChangeDialog resource={resource} title={`New table ${name}`} change={change} onBack={() => setChange(undefined)} onClose={onClose} onDone={() => void navigate({ to: '/tables/$table', params: { table: name }, search: {} })} />
  }
  return (
    <Dialog
      title="New table"
      isWide
      onClose={onClose}
      onSubmit={() => setChange({ do: 'create-table', table: { schema: 'public', name }, key: [key], columns: [{ name: key, kind: 'integer', numbered: true }, ...own] })}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={own.length === 0}>
            Show SQL
          </Button>
        </>
      }
    >
      <TextField label="Table" className="mono" required maxLength={63} value={name} onChange={({ target }) => setName(target.value)} hint="Lower-case words with _ between them need no quotes in SQL." />
      <p className="muted">
        A column <code>{key}</code> numbers the rows; it is the key. Rules, defaults and references are set under Structure once the table is there.
      </p>
      {columns.map((column, at) => (
        <div key={at} className="sheet-fields">
          <TextField label={`Column ${at + 1}`} className="mono" maxLength={63} value={column.name} onChange={({ target }) => set(at, { name: target.value })} />
          <SelectField label="Holds" value={column.kind} options={kinds} onChange={({ target }) => set(at, { kind: target.value as NewColumn['kind'] })} />
          <CheckField label="Needs a value" checked={column['not-null'] ?? false} onChange={({ target }) => set(at, { 'not-null': target.checked })} />
          <Button variant="ghost" icon={Trash2} label={`Remove column ${at + 1}`} disabled={columns.length === 1} onClick={() => setColumns(columns.filter((_, other) => other !== at))} />
        </div>
      ))}
      <Button icon={Plus} onClick={() => setColumns([...columns, { ...blank }])}>
        Add column
      </Button>
    </Dialog>
  )
}
