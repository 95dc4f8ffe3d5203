/** Small labels. */
import type { ReactNode } from 'react'
import type { BlockStatus, LibraryStatus, RunStatus, RunSummary } from '../api/types'
import { message, t } from '../messages/messages'

export type Tone = 'neutral' | 'green' | 'amber' | 'red' | 'accent'

export function Badge({ tone = 'neutral', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>
}

const statuses: Record<RunStatus | BlockStatus, { tone: Tone; text: string }> = {
  queued: { tone: 'neutral', text: message('Queued') },
  running: { tone: 'accent', text: message('Running') },
  waiting: { tone: 'amber', text: message('Waiting') },
  succeeded: { tone: 'green', text: message('Succeeded') },
  failed: { tone: 'red', text: message('Failed') },
  cancelled: { tone: 'neutral', text: message('Cancelled') },
  'outcome-unknown': { tone: 'amber', text: message('Outcome unknown') },
}

export function toneOf(status: RunStatus | BlockStatus): Tone {
  return statuses[status].tone
}

export function StatusBadge({ status }: { status: RunStatus | BlockStatus }) {
  const { tone, text } = statuses[status]
  return (
    <span className={`badge ${tone} ${status === 'running' || status === 'queued' ? 'is-live' : ''}`}>
      <span className="dot" />
      {t(text)}
    </span>
  )
}

/** Of a run that a person has paused: it stops before its next step, and until then it runs. */
export function RunBadge({ run }: { run: Pick<RunSummary, 'status' | 'paused_at' | 'waiting_for' | 'finished_at'> }) {
  if (!run.paused_at || run.finished_at) return <StatusBadge status={run.status} />
  return <Badge tone="amber">{run.status === 'running' ? t('Pausing') : t('Paused')}</Badge>
}

const builds: Record<LibraryStatus, { tone: Tone; text: string; isLive?: boolean }> = {
  waiting: { tone: 'neutral', text: message('Waiting'), isLive: true },
  building: { tone: 'accent', text: message('Building'), isLive: true },
  ready: { tone: 'green', text: message('Ready') },
  failed: { tone: 'red', text: message('Failed') },
}

export function BuildBadge({ status }: { status: LibraryStatus }) {
  const { tone, text, isLive } = builds[status]
  return (
    <span className={`badge ${tone} ${isLive ? 'is-live' : ''}`}>
      <span className="dot" />
      {t(text)}
    </span>
  )
}
