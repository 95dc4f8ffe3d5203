/** What is known of a run as a whole: when, by what, from which other run, what it waits for. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Hourglass } from 'lucide-react'
import type { ReactNode } from 'react'
import { api, dataOf } from '../api/client'
import type { QueuedBecause, RunDetail } from '../api/types'
import { EnvironmentBadge } from '../ui/EnvironmentChooser'
import { RelativeTime, clockTime, count, duration } from '../ui/format'
import { startedBy, triggerOf, waitingText } from './waiting'

/** How many runs before it the server counts at most. */
const mostAhead = 10_000

export function Facts({ detail: { run, trigger, response } }: { detail: RunDetail }) {
  const started = triggerOf(trigger)
  const facts: [string, ReactNode][] = [
    [run.started_at ? 'Started' : 'Accepted', <RelativeTime key="started" at={run.started_at ?? run.created_at} />],
    ['Duration', run.finished_at ? duration(new Date(run.finished_at).getTime() - new Date(run.started_at ?? run.created_at).getTime()) : run.status === 'queued' ? 'Not begun' : 'Under way'],
    ['Started by', [startedBy(run.trigger_kind), started.name, started.person].filter(Boolean).join(' · ')],
  ]
  if (started.scheduledAt) facts.push(['Scheduled for', `${clockTime(started.scheduledAt, started.timezone)}${started.timezone ? `, ${started.timezone}` : ''}`])
  if (started.failedRun) facts.push(['Failed run', <RunLink key="failed" id={started.failedRun} />])
  if (!run.environment.is_default) facts.push(['Environment', <EnvironmentBadge key="environment" environment={run.environment} />])
  facts.push(['Version', run.version])
  const waits = run.status === 'waiting' ? waitingText(run.waiting_for) : undefined
  if (waits) facts.push(['Waiting', waits])
  if (run.paused_at && !run.finished_at) facts.push(['Paused', <RelativeTime key="paused" at={run.paused_at} />])
  if (run.parent) facts.push(['Parent', <RunLink key="parent" id={run.parent} />])
  if (run.from_run) facts.push(['Goes on from', <RunLink key="from" id={run.from_run} />])
  else if (started.rerunOf) facts.push(['Again after', <RunLink key="again" id={started.rerunOf} />])
  if (response) facts.push(['Answered', `${response.status}`])
  return (
    <dl className="facts">
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** Another run. Its address has its workflow in it, which only the run itself tells. */
function RunLink({ id }: { id: string }) {
  const other = useQuery({ queryKey: ['run', id, 'detail'], retry: false, queryFn: () => dataOf(api.GET('/api/v1/runs/{id}', { params: { path: { id } } })) })
  if (!other.data) return other.isError ? 'A run that you may not see, or that is gone' : '…'
  const { workflow, workflow_title: title } = other.data.run
  return (
    <Link to="/workflows/$slug/runs/$run" params={{ slug: workflow, run: id }}>
      Run of {title}
    </Link>
  )
}

/** Why a run has not begun, and what helps. */
export function QueuedNotice({ queued: { reason, ahead }, slug }: { queued: QueuedBecause; slug: string }) {
  const operation = (text: string) => (
    <Link to="/workflows/$slug" params={{ slug }} search={{ tab: 'operation' }}>
      {text}
    </Link>
  )
  const before = ahead >= mostAhead ? `${mostAhead.toLocaleString('en')} runs or more are` : `${count(ahead, 'run is', 'runs are')}`
  const says: Record<QueuedBecause['reason'], ReactNode> = {
    'queue-paused': 'It waits because the queue is paused: no run of any workflow starts until an administrator resumes it.',
    'workflow-paused': <>It waits because its workflow is paused. {operation('Resume the workflow')}</>,
    limit: <>It waits because as many runs of its workflow are under way as may be. {operation('Change the limit')}</>,
    worker: ahead === 0 ? 'It is the next that a worker takes up.' : `It waits for a worker: ${before} before it.`,
  }
  return (
    <div className="notice" role="status">
      <Hourglass className="icon" strokeWidth={1.5} aria-hidden />
      <p>{says[reason]}</p>
    </div>
  )
}
