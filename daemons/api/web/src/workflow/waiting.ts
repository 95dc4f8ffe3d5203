/** What a run says that it waits for, and who started it. */
import type { RunSummary } from '../api/types'

const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false })
const dated = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false })

/** A sentence for `waiting_for`; nothing where it says nothing that is known here. */
export function waitingText(waiting: unknown, now = Date.now()): string | undefined {
  if (typeof waiting !== 'object' || waiting === null || !('kind' in waiting)) return undefined
  const block = 'block' in waiting && typeof waiting.block === 'string' ? waiting.block : 'a block'
  const until = 'until_ms' in waiting && typeof waiting.until_ms === 'number' ? pointInTime(waiting.until_ms, now) : undefined
  switch (waiting.kind) {
    case 'approval':
      return `Waits for an approval at ${block}${until ? ` until ${until}` : ''}`
    case 'wait':
      return until ? `Waits until ${until} at ${block}` : `Waits at ${block}`
    case 'retry':
      return `Tries ${block} again${until ? ` at ${until}` : ' soon'}`
    case 'workflow':
      return `Waits for the run of ${block}`
    default:
      return `Waits at ${block}`
  }
}

/** What kind of thing an unfinished run waits for. */
export function waitingKind(run: RunSummary): string | undefined {
  return run.status === 'waiting' ? wordIn(run.waiting_for, 'kind') : undefined
}

/** The block at which an unfinished run waits. */
export function waitingBlock(run: RunSummary): string | undefined {
  return run.status === 'waiting' ? wordIn(run.waiting_for, 'block') : undefined
}

function wordIn(waiting: unknown, key: string): string | undefined {
  const word = typeof waiting === 'object' && waiting !== null ? (waiting as Record<string, unknown>)[key] : undefined
  return typeof word === 'string' ? word : undefined
}

function pointInTime(ms: number, now: number): string {
  const isToday = new Date(ms).toDateString() === new Date(now).toDateString()
  return (isToday ? clock : dated).format(ms)
}

const starters: Record<string, string> = { manual: 'Hand', webhook: 'Webhook', workflow: 'Another workflow' }

export function startedBy(kind: string): string {
  return starters[kind] ?? kind
}
