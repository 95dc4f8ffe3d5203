/** The tables of the built-in database. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FileUp, Plus, Sheet, SquareTerminal } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import type { Resource, TableDefinition } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { EmptyState, Loaded } from '../ui/states'
import { MenuButton, MenuItem } from '../ui/MenuButton'
import { PageHead } from '../studio/PageHead'
import { resourcesQuery } from '../studio/lists'
import { tablesQuery, titleOf } from './asks'

const NewTable = lazy(async () => ({ default: (await import('./NewTable')).NewTable }))
const Logins = lazy(async () => ({ default: (await import('./Logins')).Logins }))
const ImportDialog = lazy(async () => ({ default: (await import('./ImportDialog')).ImportDialog }))

export function TablesPage() {
  const resources = useQuery(resourcesQuery)
  const resource = resources.data?.find(({ built_in }) => built_in)
  if (resource) return <TablesOf resource={resource} />
  return (
    <>
      <PageHead title="Tables" />
      <div className="page-body">
        <Loaded query={resources}>
          {() => (
            <EmptyState icon={Sheet} title="There is no built-in database yet">
              <code>bulkheadctl setup</code> makes it: a PostgreSQL database for what people keep in tables of their own.
            </EmptyState>
          )}
        </Loaded>
      </div>
    </>
  )
}

function TablesOf({ resource }: { resource: Resource }) {
  const tables = useQuery(tablesQuery(resource.name))
  const [isMaking, setMaking] = useState<'empty' | 'file' | 'login'>()
  const isAdmin = resource.role === 'admin'
  const add = isAdmin ? (
    <MenuButton text="New table" icon={Plus} label="New table">
      <MenuItem icon={FileUp} onChoose={() => setMaking('file')}>
        From a CSV file
      </MenuItem>
      <MenuItem icon={Plus} onChoose={() => setMaking('empty')}>
        An empty table
      </MenuItem>
    </MenuButton>
  ) : null
  return (
    <>
      <PageHead title="Tables">
        {tables.isSuccess ? (
          <>
            <Button icon={SquareTerminal} onClick={() => setMaking('login')}>
              Connect with psql
            </Button>
            {add}
          </>
        ) : null}
      </PageHead>
      <div className="page-body">
        <Loaded query={tables}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={Sheet} title="Keep data without a database of your own">
                {isAdmin ? 'Make a table from a CSV file, or an empty one. Apps and workflows use it as the resource' : 'There is no table yet. An admin of the resource can make one:'} <code>{resource.name}</code>.
              </EmptyState>
            ) : (
              <TableList tables={all} />
            )
          }
        </Loaded>
      </div>
      <Suspense>
        {isMaking === 'empty' ? <NewTable resource={resource.name} onClose={() => setMaking(undefined)} /> : null}
        {isMaking === 'login' ? <Logins resource={resource} onClose={() => setMaking(undefined)} /> : null}
        {isMaking === 'file' ? <ImportDialog resource={resource.name} onClose={() => setMaking(undefined)} /> : null}
      </Suspense>
    </>
  )
}

function TableList({ tables }: { tables: TableDefinition[] }) {
  return (
    <table className="list">
      <thead>
        <tr>
          <th>Table</th>
          <th className="numeric">Rows</th>
          <th className="wide-only">Columns</th>
          <th className="wide-only">Key</th>
        </tr>
      </thead>
      <tbody>
        {tables.map((table) => (
          <tr key={titleOf(table)}>
            <td>
              <span className="row">
                <Link className="main-link mono" to="/tables/$table" params={{ table: table.name }} search={table.schema === 'public' ? {} : { schema: table.schema }}>
                  {titleOf(table)}
                </Link>
                {table.is_view ? <Badge>View</Badge> : null}
              </span>
            </td>
            <td className="numeric muted">{table.rows === null || table.rows === undefined ? '–' : `≈ ${table.rows.toLocaleString('en')}`}</td>
            <td className="wide-only muted">{columnsText(table)}</td>
            <td className="wide-only mono muted">{table.key.join(', ') || '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function columnsText({ columns }: TableDefinition): string {
  const shown = columns.slice(0, 5).map(({ name }) => name)
  return columns.length > shown.length ? `${shown.join(', ')} and ${columns.length - shown.length} more` : shown.join(', ')
}
