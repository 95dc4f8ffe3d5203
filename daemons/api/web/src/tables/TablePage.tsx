/** One table: its rows as a spreadsheet, and what it is made of. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useBlocker } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { api, dataOf } from '../api/client'
import { messageOf } from '../api/problem'
import type { Resource, RowFilter, RowSort, TableDefinition } from '../api/types'
import { PageHead } from '../studio/PageHead'
import { resourcesQuery } from '../studio/lists'
import { ask } from '../ui/ask'
import { Loaded } from '../ui/states'
import { notify } from '../ui/toasts'
import { FilterBar } from './FilterBar'
import { Faults } from './Faults'
import { SheetGrid } from './SheetGrid'
import { SheetTools } from './SheetTools'
import { Structure } from './Structure'
import { rowsQuery, tablesQuery, titleOf } from './asks'
import { type SheetFault, countOf, emptyHistory, faultsOf, toEdits, whyReadOnly } from './edits'
import { filtersIn, sortIn } from './view-address'
import type { SheetModel } from './use-sheet'
import './tables.css'

const route = getRouteApi('/frame/tables/$table')

export function TablePage() {
  const { table } = route.useParams()
  const { schema = 'public' } = route.useSearch()
  const resources = useQuery(resourcesQuery)
  const resource = resources.data?.find(({ built_in }) => built_in)
  const name = { schema, name: table }
  if (resource) return <TableOf key={titleOf(name)} resource={resource} name={name} />
  return (
    <>
      <PageHead title={titleOf(name)} parent={{ to: '/tables', text: 'Tables' }} />
      <div className="page-body">
        <Loaded query={resources}>{() => <p className="muted">There is no built-in database yet.</p>}</Loaded>
      </div>
    </>
  )
}

function TableOf({ resource, name }: { resource: Resource; name: { schema: string; name: string } }) {
  const tables = useQuery(tablesQuery(resource.name))
  const table = tables.data?.find((one) => one.name === name.name && one.schema === name.schema)
  if (table) return <Sheet resource={resource} table={table} />
  return (
    <>
      <PageHead title={titleOf(name)} parent={{ to: '/tables', text: 'Tables' }} />
      <div className="page-body">
        <Loaded query={tables}>{() => <p className="muted">There is no such table. Somebody may have renamed or dropped it.</p>}</Loaded>
      </div>
    </>
  )
}

function Sheet({ resource, table }: { resource: Resource; table: TableDefinition }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const queryClient = useQueryClient()
  const [history, setHistory] = useState(emptyHistory)
  const [faults, setFaults] = useState<readonly SheetFault[]>([])
  const [isSaving, setSaving] = useState(false)
  const model = useRef<SheetModel>(null)
  const [filters, sort] = [filtersIn(search.filter, table), sortIn(search.sort, table)]
  const view = { table: { schema: table.schema, name: table.name }, filters, sort }
  const total = useQuery({ ...rowsQuery(resource.name, view, 0), enabled: search.tab !== 'structure' }).data?.total
  const why = whyReadOnly(table)
  const canEdit = resource.role !== 'viewer' && why === undefined
  const edits = countOf(history.now)
  useBlocker({
    enableBeforeUnload: edits > 0,
    shouldBlockFn: async ({ next, current }) =>
      edits > 0 && next.pathname !== current.pathname && !(await ask({ title: 'Leave without saving?', text: `${edits} edits are not saved.`, confirm: 'Leave', dismiss: 'Stay', isDanger: true })),
  })
  const show = (part: { filters?: RowFilter[]; sort?: RowSort[] }) => {
    const [nextFilters, nextSort] = [part.filters ?? filters, part.sort ?? sort]
    void navigate({ search: (now) => ({ ...now, filter: nextFilters.length > 0 ? nextFilters : undefined, sort: nextSort.length > 0 ? nextSort : undefined }), replace: true })
  }
  const reload = async () => {
    await queryClient.invalidateQueries({ queryKey: ['table-rows', resource.name, view.table] })
    await queryClient.invalidateQueries({ queryKey: ['tables', resource.name] })
  }
  const save = async () => {
    setSaving(true)
    const { edits: sent, rows } = toEdits(history.now)
    try {
      const outcome = await dataOf(api.POST('/api/v1/resources/{name}/tables/edits', { params: { path: { name: resource.name } }, body: { table: view.table, edits: sent } }))
      setFaults(faultsOf(outcome.faults, rows))
      if (outcome.saved) {
        setHistory(emptyHistory)
        await reload()
        notify(edits === 1 ? 'One edit is saved.' : `${edits} edits are saved.`, 'success')
      }
    } catch (error) {
      notify(messageOf(error), 'error')
    } finally {
      setSaving(false)
    }
  }
  const isStructure = search.tab === 'structure'
  return (
    <>
      <PageHead title={titleOf(table)} parent={{ to: '/tables', text: 'Tables' }}>
        <SheetTools
          resource={resource}
          table={table}
          view={view}
          history={history}
          canEdit={canEdit && !isStructure}
          isSaving={isSaving}
          onHistory={setHistory}
          onSave={() => void save()}
          onDiscard={() => {
            setHistory(emptyHistory)
            setFaults([])
          }}
          onReload={() => void reload()}
          model={model}
        />
      </PageHead>
      <nav className="tabs page-tabs" aria-label="Views">
        {(['rows', 'structure'] as const).map((tab) => (
          <button key={tab} type="button" className="tab" aria-current={isStructure === (tab === 'structure') ? 'page' : undefined} onClick={() => void navigate({ search: (now) => ({ ...now, tab: tab === 'structure' ? tab : undefined }) })}>
            {tab === 'rows' ? 'Rows' : 'Structure'}
          </button>
        ))}
      </nav>
      {isStructure ? (
        <Structure resource={resource} table={table} />
      ) : (
        <div className="sheet-page">
          <FilterBar table={table} filters={filters} total={total ?? undefined} onChange={(next) => show({ filters: next })} />
          {why && resource.role !== 'viewer' ? <p className="muted sheet-why">{why}</p> : null}
          <Faults faults={faults} history={history} onHistory={setHistory} onFaults={setFaults} />
          <SheetGrid
            key={JSON.stringify([filters, sort])}
            resource={resource.name}
            view={view}
            table={table}
            canEdit={canEdit}
            history={history}
            onHistory={setHistory}
            faults={faults}
            sort={sort}
            onSort={(next) => show({ sort: next })}
            onModel={(next) => {
              model.current = next
            }}
          />
        </div>
      )}
    </>
  )
}
