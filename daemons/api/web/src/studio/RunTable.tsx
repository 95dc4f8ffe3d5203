/** Runs, the newest first, a page at a time. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Play } from 'lucide-react'
import { api, dataOf } from '../api/client'
import type { RunSummary } from '../api/types'
import { StatusBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime, duration } from '../ui/format'
import { EmptyState, ErrorState, SkeletonRows } from '../ui/states'
import { startedBy, waitingText } from '../workflow/waiting'

const followMs = 2000

/** With `workflow` only its runs. */
export function RunTable({ workflow }: { workflow?: string }) {
  const runs = useInfiniteQuery({
    queryKey: ['runs', workflow ?? 'all'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => {
      const query = { limit: 50, ...(pageParam ? { before: pageParam } : {}) }
      return dataOf(workflow ? api.GET('/api/v1/workflows/{slug}/runs', { params: { path: { slug: workflow }, query } }) : api.GET('/api/v1/runs', { params: { query } }))
    },
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.runs.some((run) => !run.finished_at)) ? followMs : false),
  })
  if (runs.isPending) return <SkeletonRows />
  if (runs.isError) return <ErrorState error={runs.error} onRetry={() => void runs.refetch()} />
  const all = runs.data.pages.flatMap((page) => page.runs)
  if (all.length === 0) {
    return (
      <EmptyState icon={Play} title="Nothing ran yet">
        Release the workflow and press Run, or call its webhook. Every run keeps each block's input, output, log and duration here.
      </EmptyState>
    )
  }
  return (
    <>
      <table className="list">
        <thead>
          <tr>
            <th>Status</th>
            {workflow ? null : <th>Workflow</th>}
            <th>Started</th>
            <th className="wide-only">By</th>
            <th className="wide-only">Version</th>
            <th className="numeric">Duration</th>
            <th className="wide-only">Error</th>
          </tr>
        </thead>
        <tbody>
          {all.map((run) => (
            <RunRow key={run.id} run={run} hasWorkflow={!workflow} />
          ))}
        </tbody>
      </table>
      {runs.hasNextPage ? (
        <div className="list-foot">
          <Button isBusy={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
            Load older runs
          </Button>
        </div>
      ) : null}
    </>
  )
}

function RunRow({ run, hasWorkflow }: { run: RunSummary; hasWorkflow: boolean }) {
  const end = run.finished_at ? new Date(run.finished_at).getTime() - new Date(run.started_at ?? run.created_at).getTime() : undefined
  return (
    <tr>
      <td>
        <span title={waitingText(run.waiting_for)}>
          <StatusBadge status={run.status} />
        </span>
      </td>
      {hasWorkflow ? <td>{run.workflow_title}</td> : null}
      <td>
        <Link to="/workflows/$slug/runs/$run" params={{ slug: run.workflow, run: run.id }}>
          <RelativeTime at={run.created_at} />
        </Link>
      </td>
      <td className="wide-only">{startedBy(run.trigger_kind)}</td>
      <td className="wide-only">{run.version}</td>
      <td className="numeric">{end === undefined ? '–' : duration(end)}</td>
      <td className="wide-only muted run-error">{run.error ? `${run.error.block ? `${run.error.block}: ` : ''}${run.error.message}` : ''}</td>
    </tr>
  )
}
