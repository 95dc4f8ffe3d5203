/** A workflow at `/workflows/<slug>`: its graph and blocks, and its runs. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { api, dataOf } from '../api/client'
import type { WorkflowDetail } from '../api/types'
import { createDraftStore } from '../document/draft-store'
import { PageHead } from '../studio/PageHead'
import { RunTable } from '../studio/RunTable'
import { ErrorState, SkeletonRows } from '../ui/states'
import { WorkflowEditor } from './WorkflowEditor'
import { ImportNotice } from './imports/ImportNotice'
import { Operation, PauseBanner } from './operation/Operation'
import './workflow.css'

const route = getRouteApi('/frame/workflows/$slug')
const parent = { to: '/workflows', text: 'Workflows' } as const

export function WorkflowPage() {
  const { slug } = route.useParams()
  const workflow = useQuery({ queryKey: ['workflow', slug], queryFn: () => dataOf(api.GET('/api/v1/workflows/{slug}', { params: { path: { slug } } })), staleTime: Number.POSITIVE_INFINITY, gcTime: 0 })
  if (workflow.isSuccess) return <Loaded key={slug} workflow={workflow.data} />
  return (
    <>
      <PageHead title={slug} parent={parent} />
      {workflow.isError ? <ErrorState error={workflow.error} onRetry={() => void workflow.refetch()} /> : <SkeletonRows />}
    </>
  )
}

function Loaded({ workflow }: { workflow: WorkflowDetail }) {
  const { slug } = workflow
  const { tab, ...filters } = route.useSearch()
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  // What is released here; the draft below is not read again while it is edited.
  const [version, setVersion] = useState(workflow.released_version ?? undefined)
  const takeVersion = (next: number) => {
    setVersion(next)
    void queryClient.invalidateQueries({ queryKey: ['schedules', slug] })
  }
  const store = useMemo(
    () =>
      createDraftStore(workflow.draft, workflow.draft_revision, async (revision, document) => {
        const saved = await dataOf(api.PUT('/api/v1/workflows/{slug}/draft', { params: { path: { slug } }, body: { revision, document } }))
        return saved.revision
      }),
    [workflow, slug],
  )
  const tabs = (
    <>
      <nav className="tabs workflow-tabs" aria-label="Views">
        <Link className="tab" to="/workflows/$slug" params={{ slug }} search={{}} activeOptions={{ exact: true }} aria-current={tab ? undefined : 'page'}>
          Blocks
        </Link>
        <Link className="tab" to="/workflows/$slug" params={{ slug }} search={{ tab: 'runs' }} aria-current={tab === 'runs' ? 'page' : undefined}>
          Runs
        </Link>
        <Link className="tab" to="/workflows/$slug" params={{ slug }} search={{ tab: 'operation' }} aria-current={tab === 'operation' ? 'page' : undefined}>
          Operation
        </Link>
      </nav>
      <PauseBanner slug={slug} />
      <ImportNotice slug={slug} title={workflow.title} />
    </>
  )
  if (tab) {
    return (
      <>
        <PageHead title={workflow.title} parent={parent} />
        {tabs}
        <div className="page-body">
          {tab === 'runs' ? <RunTable workflow={slug} filters={filters} onFilters={(next) => void navigate({ to: '/workflows/$slug', params: { slug }, search: { tab, ...next }, replace: true })} /> : <Operation slug={slug} role={workflow.role} />}
        </div>
      </>
    )
  }
  return <WorkflowEditor slug={slug} store={store} version={version} onVersion={takeVersion} tabs={tabs} />
}
