/** What a run says that it waits for, and what started it. */
import type { BlockRun, RunSummary } from '../api/types'

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const dated = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** A sentence for `waiting_for`; nothing where it says nothing that is known here. */
export function waitingText(waiting: unknown, now = Date.now()): string | undefined {
  if (typeof waiting !== 'object' || waiting === null || !('kind' in waiting)) return undefined
  const block = 'block' in waiting && typeof waiting.block === 'string' ? waiting.block : 'a block'
  const until = 'until_ms' in waiting && typeof waiting.until_ms === 'number' ? pointInTime(waiting.until_ms, now) : undefined
  switch (waiting.kind) {
    case 'approval':
      return `Waits for an approval at ${block}${until ? ` until ${until}` : ''}${escalationText(waiting, now)}`
    case 'event': {
      const event = awaitedEvent(waiting)
      return `Waits for the event ${event ? eventText(event) : ''}at ${block}${until ? ` until ${until}` : ''}`
    }
    case 'wait':
      return until ? `Waits until ${until} at ${block}` : `Waits at ${block}`
    case 'retry':
      return `Tries ${block} again${until ? ` at ${until}` : ' soon'}`
    case 'workflow':
      return `Waits for the run of ${block}`
    case 'outcome-unknown':
      return `Waits until somebody has chosen what becomes of ${block}`
    case 'paused':
      return 'Paused before its next step'
    default:
      return `Waits at ${block}`
  }
}

function escalationText(waiting: object, now: number): string {
  if (!('escalates_ms' in waiting) || typeof waiting.escalates_ms !== 'number') return ''
  const at = pointInTime(waiting.escalates_ms, now)
  return waiting.escalates_ms <= now ? `; others may decide too since ${at}` : `; from ${at} on others may decide too`
}

/** The event that a run waits for. */
export interface AwaitedEvent {
  name: string
  /** Empty where it has none. */
  key: string
}

export function awaitedEvent(waiting: unknown): AwaitedEvent | undefined {
  const event: unknown = typeof waiting === 'object' && waiting !== null && 'event' in waiting ? waiting.event : undefined
  if (typeof event !== 'object' || event === null || !('name' in event) || !('key' in event)) return undefined
  return typeof event.name === 'string' && typeof event.key === 'string' ? { name: event.name, key: event.key } : undefined
}

function eventText({ name, key }: AwaitedEvent): string {
  return key === '' ? `${name} ` : `${name} with the key ${key} `
}

/** What kind of thing an unfinished run waits for. */
export function waitingKind(run: RunSummary): string | undefined {
  return run.status === 'waiting' ? wordIn(run.waiting_for, 'kind') : undefined
}

/** The block at which an unfinished run waits. */
export function waitingBlock(run: RunSummary): string | undefined {
  return run.status === 'waiting' ? wordIn(run.waiting_for, 'block') : undefined
}

/** Which round and attempt of a block. */
export type RoundPlace = Pick<BlockRun, 'iteration' | 'attempt'>

/** The round of the block at which an unfinished run waits. Older runs do not say it. */
export function waitingPlace(run: RunSummary): RoundPlace | undefined {
  const waiting: unknown = run.status === 'waiting' ? run.waiting_for : undefined
  if (typeof waiting !== 'object' || waiting === null || !('iteration' in waiting) || !('attempt' in waiting)) return undefined
  const { iteration, attempt } = waiting
  const isPlace = Array.isArray(iteration) && iteration.every((round) => Number.isInteger(round)) && Number.isInteger(attempt)
  return isPlace ? { iteration: iteration as number[], attempt: attempt as number } : undefined
}

/** What is known of what started a run. Each kind of trigger says something else. */
export interface Started {
  name?: string
  person?: string
  scheduledAt?: string
  timezone?: string
  failedRun?: string
  rerunOf?: string
}

export function triggerOf(trigger: unknown): Started {
  const at = (...path: string[]) => {
    let value = trigger
    for (const key of path) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
    return typeof value === 'string' ? value : undefined
  }
  const found: Record<keyof Started, string | undefined> = {
    name: at('name'),
    person: at('user', 'name'),
    scheduledAt: at('scheduled_at'),
    timezone: at('timezone'),
    failedRun: at('kind') === 'failure' ? at('body', 'run') : undefined,
    rerunOf: at('rerun_of'),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

function wordIn(waiting: unknown, key: string): string | undefined {
  const word = typeof waiting === 'object' && waiting !== null ? (waiting as Record<string, unknown>)[key] : undefined
  return typeof word === 'string' ? word : undefined
}

function pointInTime(ms: number, now: number): string {
  const isToday = new Date(ms).toDateString() === new Date(now).toDateString()
  return (isToday ? clock : dated).format(ms)
}

export const starters: Record<string, string> = { manual: 'Hand', webhook: 'Webhook', schedule: 'Schedule', workflow: 'Another workflow', failure: 'A failed run' }

export function startedBy(kind: string): string {
  return starters[kind] ?? kind
}
