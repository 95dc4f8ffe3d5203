/** An app over a table that is there: which one, and what the app will do. */
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { labelOf } from '../../generate/columns'
import { crudApp } from '../../generate/crud'
import { dialectOf } from '../../generate/dialect'
import { SelectField } from '../../ui/Field'
import { SkeletonRows } from '../../ui/states'
import { useSchemaQuery } from '../../ui/schema'
import { resourcesQuery } from '../lists'
import { type StartProps, createApp } from './NewApp'
import { NamingDialog, NamingFields, useNaming } from './naming'

export function FromTable({ onCreated, onBack, onClose }: StartProps) {
  const resources = useQuery(resourcesQuery)
  const usable = (resources.data ?? []).filter(({ config, role }) => dialectOf(config?.kind ?? '') && role !== 'viewer')
  const [chosen, setChosen] = useState<string>()
  const resource = usable.find(({ name }) => name === chosen) ?? usable[0]
  const schema = useSchemaQuery(resource?.name ?? '')
  const tables = useMemo(() => schema.data?.tables.filter(({ columns }) => columns.length > 0) ?? [], [schema.data])
  const [chosenTable, setTable] = useState('')
  const table = tables.find((one) => keyOf(one) === chosenTable)
  const dialect = dialectOf(resource?.config?.kind ?? '')
  const made = useMemo(() => (resource && dialect && table ? crudApp({ resource: resource.name, dialect, table, title: labelOf(table.name) }) : undefined), [resource, dialect, table])
  const naming = useNaming((wanted) => createApp(wanted, made?.document), onCreated, table ? labelOf(table.name) : '')
  const hasSchemas = new Set(tables.map((one) => one.schema)).size > 1
  return (
    <NamingDialog title="New app from a table" naming={naming} isReady={made !== undefined} onBack={onBack} error={resources.error ?? schema.error} onClose={onClose}>
      {resources.isPending ? <SkeletonRows count={2} /> : null}
      {resources.data && usable.length === 0 ? <p className="muted">No resource here has tables that you may read: add a PostgreSQL, MySQL, SQLite or ClickHouse database under Resources, or ask for the role editor on one.</p> : null}
      {resource ? (
        <div className="new-app-fields">
          <SelectField
            label="Resource"
            value={resource.name}
            options={usable.map(({ name }) => [name, name] as const)}
            onChange={({ target }) => {
              setChosen(target.value)
              setTable('')
            }}
          />
          <SelectField
            label="Table"
            value={chosenTable}
            disabled={schema.isPending}
            options={[['', schema.isPending ? 'Reading the tables…' : tables.length === 0 ? 'There is none' : 'Choose a table'], ...tables.map((one) => [keyOf(one), hasSchemas && one.schema ? `${one.schema}.${one.name}` : one.name] as const)]}
            onChange={({ target }) => setTable(target.value)}
          />
        </div>
      ) : null}
      {table && made ? (
        <>
          <p>
            The app lists {table.columns.length === 1 ? 'one column' : `${table.columns.length} columns`} with a search
            {made.document.queries?.updateRow || made.document.queries?.deleteRow ? ', adds rows, changes and deletes the one that is selected, and asks before it deletes. Each change is guarded: it touches one row or none.' : ' and shows the selected row.'}
          </p>
          <Notes notes={made.notes} />
          <NamingFields naming={naming} />
        </>
      ) : null}
    </NamingDialog>
  )
}

export function Notes({ notes }: { notes: string[] }) {
  if (notes.length === 0) return null
  return (
    <ul className="notice amber new-app-notes">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  )
}

function keyOf({ schema, name }: { schema: string; name: string }): string {
  return JSON.stringify([schema, name])
}
