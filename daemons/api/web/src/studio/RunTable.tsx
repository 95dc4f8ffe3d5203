/** Runs, the newest first, a page at a time. A search may look through many for a few: it says how far it has come, and goes on when asked. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Play, SearchX } from 'lucide-react'
import { api, dataOf } from '../api/client'
import type { RunSummary } from '../api/types'
import { RunBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime, clockTime, duration } from '../ui/format'
import { EmptyState, ErrorState, SkeletonRows } from '../ui/states'
import { startedBy, waitingText } from '../workflow/waiting'
import { RunFilterBar } from './RunFilterBar'
import { type RunFilters, filtersOf, isFiltered, queryOf, timeOfRun } from './run-filters'

const followMs = 2000
/** What had to be searched for, or is long, is read again less often. */
const followSlowlyMs = 10_000
const pageSize = 50

interface Props {
  /** Only the runs of this one. */
  workflow?: string
  filters: RunFilters
  onFilters: (filters: RunFilters) => void
}

export function RunTable({ workflow, filters, onFilters }: Props) {
  const runs = useInfiniteQuery({
    queryKey: ['runs', workflow ?? 'all', filters],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => {
      const query = { limit: pageSize, ...queryOf(filters, new Date()), ...(pageParam ? { before: pageParam } : {}) }
      return dataOf(workflow ? api.GET('/api/v1/workflows/{slug}/runs', { params: { path: { slug: workflow }, query } }) : api.GET('/api/v1/runs', { params: { query } }))
    },
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: ({ state: { data } }) => {
      if (!data?.pages.some((page) => page.runs.some((run) => !run.finished_at))) return false
      return filters.text || data.pages.length > 1 ? followSlowlyMs : followMs
    },
  })
  const clear = () => onFilters({})
  const all = runs.data?.pages.flatMap((page) => page.runs) ?? []
  const last = runs.data?.pages.at(-1)
  return (
    <>
      <RunFilterBar filters={filters} onChange={(next) => onFilters(filtersOf({ ...filters, ...next }))} onClear={clear} />
      {runs.isPending ? (
        <SkeletonRows />
      ) : runs.isError ? (
        <ErrorState error={runs.error} onRetry={() => void runs.refetch()} />
      ) : all.length > 0 ? (
        <Rows runs={all} hasWorkflow={!workflow} />
      ) : last?.next ? null : isFiltered(filters) ? (
        <EmptyState icon={SearchX} title="No run fits" action={<Button onClick={clear}>Clear filters</Button>}>
          None of the runs that are kept fits all of the filters.
        </EmptyState>
      ) : (
        <EmptyState icon={Play} title="Nothing ran yet">
          Release the workflow and press Run, call its webhook, or give it a schedule. Every run keeps each block's input, output, log and duration here.
        </EmptyState>
      )}
      {runs.hasNextPage && last?.next ? (
        <div className="list-foot">
          {last.runs.length < pageSize ? (
            <p className="muted" role="status">
              {all.length === 0 ? 'Nothing found so far. ' : ''}Searched back to {clockTime(timeOfRun(last.next))}.
            </p>
          ) : null}
          <Button isBusy={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
            {last.runs.length < pageSize ? 'Search further back' : 'Load older runs'}
          </Button>
        </div>
      ) : null}
    </>
  )
}

function Rows({ runs, hasWorkflow }: { runs: RunSummary[]; hasWorkflow: boolean }) {
  const narrow = hasWorkflow ? 'wide-only' : ''
  return (
    <table className="list runs">
      <thead>
        <tr>
          <th>Status</th>
          {hasWorkflow ? <th>Workflow</th> : null}
          <th className={narrow}>Started</th>
          <th className="wide-only">By</th>
          <th className="wide-only">Version</th>
          <th className={`numeric ${narrow}`}>Duration</th>
          <th className="wide-only">Error</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Row key={run.id} run={run} hasWorkflow={hasWorkflow} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ run, hasWorkflow }: { run: RunSummary; hasWorkflow: boolean }) {
  const end = run.finished_at ? new Date(run.finished_at).getTime() - new Date(run.started_at ?? run.created_at).getTime() : undefined
  // On a narrow screen the workflow and the rest share a column.
  const narrow = hasWorkflow ? 'wide-only' : ''
  const time = end === undefined ? '–' : duration(end)
  const link = (
    <Link to="/workflows/$slug/runs/$run" params={{ slug: run.workflow, run: run.id }}>
      <RelativeTime at={run.created_at} />
    </Link>
  )
  return (
    <tr>
      <td>
        <span title={waitingText(run.waiting_for)}>
          <RunBadge run={run} />
        </span>
      </td>
      {hasWorkflow ? (
        <td>
          {run.workflow_title}
          <div className="muted narrow-only">
            {link}
            {end === undefined ? '' : ` · ${time}`}
          </div>
        </td>
      ) : null}
      <td className={narrow}>{link}</td>
      <td className="wide-only">{startedBy(run.trigger_kind)}</td>
      <td className="wide-only">{run.version}</td>
      <td className={`numeric ${narrow}`}>{time}</td>
      <td className="wide-only muted run-error">{run.error ? `${run.error.block ? `${run.error.block}: ` : ''}${run.error.message}` : ''}</td>
    </tr>
  )
}
