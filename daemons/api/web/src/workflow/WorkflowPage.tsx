/** A workflow at `/workflows/<slug>`: its graph and blocks, and its runs. */
import { useQuery } from '@tanstack/react-query'
import { Link, getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import { api, dataOf } from '../api/client'
import type { WorkflowDetail } from '../api/types'
import { createDraftStore } from '../document/draft-store'
import { PageHead } from '../studio/PageHead'
import { RunTable } from '../studio/RunTable'
import { ErrorState, SkeletonRows } from '../ui/states'
import { WorkflowEditor } from './WorkflowEditor'
import './workflow.css'

const route = getRouteApi('/frame/workflows/$slug')

export function WorkflowPage() {
  const { slug } = route.useParams()
  const workflow = useQuery({ queryKey: ['workflow', slug], queryFn: () => dataOf(api.GET('/api/v1/workflows/{slug}', { params: { path: { slug } } })), staleTime: Number.POSITIVE_INFINITY, gcTime: 0 })
  if (workflow.isPending) {
    return (
      <>
        <PageHead title="" parent={{ to: '/workflows', text: 'Workflows' }} />
        <SkeletonRows />
      </>
    )
  }
  if (workflow.isError) return <ErrorState error={workflow.error} onRetry={() => void workflow.refetch()} />
  return <Loaded key={slug} workflow={workflow.data} />
}

function Loaded({ workflow }: { workflow: WorkflowDetail }) {
  const { slug } = workflow
  const { tab } = route.useSearch()
  const store = useMemo(
    () =>
      createDraftStore(workflow.draft, workflow.draft_revision, async (revision, document) => {
        const saved = await dataOf(api.PUT('/api/v1/workflows/{slug}/draft', { params: { path: { slug } }, body: { revision, document } }))
        return saved.revision
      }),
    [workflow, slug],
  )
  const tabs = (
    <nav className="tabs workflow-tabs" aria-label="Views">
      <Link className="tab" to="/workflows/$slug" params={{ slug }} search={{}} aria-current={tab ? undefined : 'page'}>
        Blocks
      </Link>
      <Link className="tab" to="/workflows/$slug" params={{ slug }} search={{ tab: 'runs' }} aria-current={tab === 'runs' ? 'page' : undefined}>
        Runs
      </Link>
    </nav>
  )
  if (tab === 'runs') {
    return (
      <>
        <PageHead title={workflow.title} parent={{ to: '/workflows', text: 'Workflows' }} />
        {tabs}
        <div className="page-body">
          <RunTable workflow={slug} />
        </div>
      </>
    )
  }
  return <WorkflowEditor slug={slug} store={store} releasedVersion={workflow.released_version ?? undefined} tabs={tabs} />
}
