/** What a table is made of. Admins of the resource change it, by SQL that they see first. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Link2, Pencil, Plus, Trash2, Type, Unlink } from 'lucide-react'
import { useState } from 'react'
import type { ColumnDefinition, Resource, SchemaChange, TableDefinition } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { MenuButton, MenuItem } from '../ui/MenuButton'
import { ChangeDialog } from './ChangeDialog'
import { ChangeForm, type FormKind } from './ChangeForm'
import { tablesQuery, titleOf } from './asks'

export function Structure({ resource, table }: { resource: Resource; table: TableDefinition }) {
  const navigate = useNavigate()
  const tables = useQuery(tablesQuery(resource.name)).data ?? []
  const [form, setForm] = useState<{ kind: FormKind; column?: ColumnDefinition }>()
  const [change, setChange] = useState<{ title: string; change: SchemaChange }>()
  const mayChange = resource.role === 'admin' && !table.is_view
  const name = { schema: table.schema, name: table.name }
  const propose = (title: string, next: SchemaChange) => setChange({ title, change: next })
  const done = () => {
    const made = change?.change
    if (made?.do === 'drop-table') void navigate({ to: '/tables' })
    if (made?.do === 'rename-table') void navigate({ to: '/tables/$table', params: { table: made.to }, search: table.schema === 'public' ? { tab: 'structure' } : { schema: table.schema, tab: 'structure' } })
  }
  const tools = (column: ColumnDefinition) => (
    <MenuButton label={`Change ${column.name}`}>
      <MenuItem icon={Pencil} onChoose={() => setForm({ kind: 'rename-column', column })}>
        Rename
      </MenuItem>
      <MenuItem icon={Type} onChoose={() => setForm({ kind: 'set-kind', column })}>
        Change what it holds
      </MenuItem>
      <MenuItem icon={Type} onChoose={() => propose(`${column.is_required ? 'Allow NULL in' : 'Require'} ${column.name}`, { do: 'set-not-null', table: name, column: column.name, 'not-null': !column.is_required })}>
        {column.is_required ? 'Allow NULL' : 'Require a value'}
      </MenuItem>
      <MenuItem icon={Type} onChoose={() => setForm({ kind: 'set-default', column })}>
        Set the default
      </MenuItem>
      <MenuItem icon={Type} onChoose={() => propose(`Make ${column.name} unique`, { do: 'add-unique', table: name, columns: [column.name] })}>
        Make unique
      </MenuItem>
      <MenuItem icon={Link2} onChoose={() => setForm({ kind: 'add-foreign-key', column })}>
        Refer to a table
      </MenuItem>
      <MenuItem icon={Trash2} isDanger onChoose={() => propose(`Drop ${column.name}`, { do: 'drop-column', table: name, column: column.name })}>
        Drop
      </MenuItem>
    </MenuButton>
  )
  const drop = (constraint: string) =>
    mayChange ? <Button variant="ghost" size="small" icon={Unlink} label={`Drop ${constraint}`} onClick={() => propose(`Drop ${constraint}`, { do: 'drop-constraint', table: name, constraint })} /> : null
  return (
    <div className="page-body sheet-structure">
      {mayChange ? (
        <div className="row wrap sheet-actions">
          <Button icon={Plus} onClick={() => setForm({ kind: 'add-column' })}>
            Add column
          </Button>
          <Button icon={Pencil} onClick={() => setForm({ kind: 'rename-table' })}>
            Rename table
          </Button>
          <Button variant="danger" icon={Trash2} onClick={() => propose(`Drop ${titleOf(table)}`, { do: 'drop-table', table: name })}>
            Drop table
          </Button>
        </div>
      ) : null}
      <table className="list">
        <thead>
          <tr>
            <th>Column</th>
            <th>Type</th>
            <th className="wide-only">Rules</th>
            <th className="wide-only">Default</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {table.columns.map((column) => (
            <tr key={column.name}>
              <td className="mono">{column.name}</td>
              <td className="mono muted">{column.type}</td>
              <td className="wide-only">
                <span className="row wrap">
                  {table.key.includes(column.name) ? <Badge tone="accent">Key</Badge> : null}
                  {column.is_required ? <Badge>Not null</Badge> : null}
                  {column.is_numbered ? <Badge>Numbered</Badge> : null}
                  {column.is_computed ? <Badge>Computed</Badge> : null}
                </span>
              </td>
              <td className="wide-only mono muted">{column.default ?? ''}</td>
              <td className="actions">{mayChange ? tools(column) : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {table.uniques.length + table.foreign_keys.length > 0 ? (
        <table className="list">
          <thead>
            <tr>
              <th>Constraint</th>
              <th>What holds</th>
              <th>
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {table.uniques.map((unique) => (
              <tr key={unique.name}>
                <td className="mono">{unique.name}</td>
                <td>
                  <span className="mono">{unique.columns.join(', ')}</span> is unique
                </td>
                <td className="actions">{drop(unique.name)}</td>
              </tr>
            ))}
            {table.foreign_keys.map((key) => (
              <tr key={key.name}>
                <td className="mono">{key.name}</td>
                <td>
                  <span className="mono">{key.columns.join(', ')}</span> refers to{' '}
                  <span className="mono">
                    {titleOf({ schema: key.schema, name: key.table })} ({key.to_columns.join(', ')})
                  </span>
                </td>
                <td className="actions">{drop(key.name)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      {form && !change ? <ChangeForm {...form} table={table} tables={tables} onClose={() => setForm(undefined)} onPropose={propose} /> : null}
      {change ? (
        <ChangeDialog
          resource={resource.name}
          {...change}
          onBack={form ? () => setChange(undefined) : undefined}
          onClose={() => {
            setChange(undefined)
            setForm(undefined)
          }}
          onDone={done}
        />
      ) : null}
    </div>
  )
}
