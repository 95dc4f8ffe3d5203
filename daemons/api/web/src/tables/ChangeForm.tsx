/** What a change of a table takes to be said: names, kinds, defaults. */
import { useState } from 'react'
import type { ColumnDefault, ColumnDefinition, ColumnKind, SchemaChange, TableDefinition } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { SelectField, TextField } from '../ui/Field'
import { ColumnFields, DefaultField, type NewColumn, kinds } from './ColumnFields'
import { titleOf } from './asks'

export type FormKind = 'rename-table' | 'add-column' | 'rename-column' | 'set-kind' | 'set-default' | 'add-foreign-key'

interface Props {
  kind: FormKind
  column?: ColumnDefinition
  table: TableDefinition
  tables: TableDefinition[]
  onClose: () => void
  onPropose: (title: string, change: SchemaChange) => void
}

type OnDelete = NonNullable<Extract<SchemaChange, { do: 'add-foreign-key' }>['on-delete']>

const onDeletes: readonly (readonly [OnDelete, string])[] = [
  ['refuse', 'It cannot be deleted'],
  ['set-null', 'The reference becomes NULL'],
  ['delete', 'The rows here are deleted too'],
]

export function ChangeForm({ kind, column, table, tables, onClose, onPropose }: Props) {
  const [name, setName] = useState(kind === 'rename-table' ? table.name : (column?.name ?? ''))
  const [added, setAdded] = useState<NewColumn>({ name: '', kind: 'text' })
  const [holds, setHolds] = useState<ColumnKind>('text')
  const [value, setValue] = useState<ColumnDefault>()
  // A reference is to columns that tell rows apart by themselves.
  const targets = tables.flatMap((other) => [other.key, ...other.uniques.map(({ columns }) => columns)].filter((columns) => columns.length === 1).map(([to = '']) => ({ other, to })))
  const [target, setTarget] = useState(0)
  const [onDelete, setOnDelete] = useState<OnDelete>('refuse')
  const own = { schema: table.schema, name: table.name }
  const of = column?.name ?? ''
  const chosen = targets[target]
  const propose = () => {
    if (kind === 'rename-table') onPropose(`Rename ${table.name}`, { do: kind, table: own, to: name })
    if (kind === 'rename-column') onPropose(`Rename ${of}`, { do: kind, table: own, column: of, to: name })
    if (kind === 'add-column') onPropose(`Add ${added.name}`, { do: kind, table: own, column: added })
    if (kind === 'set-kind') onPropose(`Change what ${of} holds`, { do: kind, table: own, column: of, kind: holds })
    if (kind === 'set-default') onPropose(`Default of ${of}`, { do: kind, table: own, column: of, ...(value ? { default: value } : {}) })
    if (kind === 'add-foreign-key' && chosen) onPropose(`Let ${of} refer to ${titleOf(chosen.other)}`, { do: kind, table: own, column: of, to: { schema: chosen.other.schema, name: chosen.other.name }, 'to-column': chosen.to, 'on-delete': onDelete })
  }
  const title = { 'rename-table': `Rename ${table.name}`, 'add-column': `Add a column to ${table.name}`, 'rename-column': `Rename ${of}`, 'set-kind': `What ${of} holds`, 'set-default': `Default of ${of}`, 'add-foreign-key': `What ${of} refers to` }[kind]
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={propose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={kind === 'add-foreign-key' && !chosen}>
            Show SQL
          </Button>
        </>
      }
    >
      {kind === 'rename-table' || kind === 'rename-column' ? <TextField label="New name" className="mono" required maxLength={63} value={name} onChange={({ target: { value: text } }) => setName(text)} /> : null}
      {kind === 'add-column' ? <ColumnFields column={added} onChange={setAdded} /> : null}
      {kind === 'set-kind' ? <SelectField label="Holds" value={holds} options={kinds} onChange={({ target: { value: text } }) => setHolds(text as ColumnKind)} /> : null}
      {kind === 'set-default' ? <DefaultField kind={undefined} value={value} onChange={setValue} /> : null}
      {kind === 'add-foreign-key' ? (
        targets.length === 0 ? (
          <p className="muted">No table has a key of one column that could be referred to.</p>
        ) : (
          <>
            <SelectField label="Refers to" value={String(target)} options={targets.map(({ other, to }, at) => [String(at), `${titleOf(other)} (${to})`] as const)} onChange={({ target: { value: text } }) => setTarget(Number(text))} />
            <SelectField label="When a row there is deleted" value={onDelete} options={onDeletes} onChange={({ target: { value: text } }) => setOnDelete(text as OnDelete)} />
          </>
        )
      ) : null}
    </Dialog>
  )
}
