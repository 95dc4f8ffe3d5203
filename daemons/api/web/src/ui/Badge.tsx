/** Small labels. */
import type { ReactNode } from 'react'
import type { BlockStatus, LibraryStatus, RunStatus, RunSummary } from '../api/types'

export type Tone = 'neutral' | 'green' | 'amber' | 'red' | 'accent'

export function Badge({ tone = 'neutral', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>
}

const statuses: Record<RunStatus | BlockStatus, { tone: Tone; text: string }> = {
  queued: { tone: 'neutral', text: 'Queued' },
  running: { tone: 'accent', text: 'Running' },
  waiting: { tone: 'amber', text: 'Waiting' },
  succeeded: { tone: 'green', text: 'Succeeded' },
  failed: { tone: 'red', text: 'Failed' },
  cancelled: { tone: 'neutral', text: 'Cancelled' },
  'outcome-unknown': { tone: 'amber', text: 'Outcome unknown' },
}

export function toneOf(status: RunStatus | BlockStatus): Tone {
  return statuses[status].tone
}

export function StatusBadge({ status }: { status: RunStatus | BlockStatus }) {
  const { tone, text } = statuses[status]
  return (
    <span className={`badge ${tone} ${status === 'running' || status === 'queued' ? 'is-live' : ''}`}>
      <span className="dot" />
      {text}
    </span>
  )
}

/** Of a run that a person has paused: it stops before its next step, and until then it runs. */
export function RunBadge({ run }: { run: Pick<RunSummary, 'status' | 'paused_at' | 'waiting_for' | 'finished_at'> }) {
  if (!run.paused_at || run.finished_at) return <StatusBadge status={run.status} />
  return <Badge tone="amber">{run.status === 'running' ? 'Pausing' : 'Paused'}</Badge>
}

const builds: Record<LibraryStatus, { tone: Tone; text: string; isLive?: boolean }> = {
  waiting: { tone: 'neutral', text: 'Waiting', isLive: true },
  building: { tone: 'accent', text: 'Building', isLive: true },
  ready: { tone: 'green', text: 'Ready' },
  failed: { tone: 'red', text: 'Failed' },
}

export function BuildBadge({ status }: { status: LibraryStatus }) {
  const { tone, text, isLive } = builds[status]
  return (
    <span className={`badge ${tone} ${isLive ? 'is-live' : ''}`}>
      <span className="dot" />
      {text}
    </span>
  )
}
