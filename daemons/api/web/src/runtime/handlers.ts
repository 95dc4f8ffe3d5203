/** The handlers of events: in their order, some once their event has settled, some not too often. */
import type { EventHandler, Step } from '../api/types'
import type { Context } from './actions'

type Follow = (steps: Step[], context: Context) => Promise<boolean>

export class Handlers {
  private readonly waiting = new Map<EventHandler, ReturnType<typeof setTimeout>>()
  private readonly lastAt = new WeakMap<EventHandler, number>()

  constructor(private readonly follow: Follow) {}

  /** An event happens. False when an action failed, or was called off; those that wait for the event to settle are not waited for. */
  async happen(handlers: EventHandler[], context: Context): Promise<boolean> {
    let isDone = true
    for (const handler of handlers) {
      const { 'debounce-ms': debounce, 'throttle-ms': throttle } = handler
      const perform = () => this.follow([{ ...handler.action, when: handler.when ?? null }], context)
      if (debounce) {
        clearTimeout(this.waiting.get(handler))
        const settled = () => {
          this.waiting.delete(handler)
          void perform()
        }
        this.waiting.set(handler, setTimeout(settled, debounce))
        continue
      }
      if (throttle) {
        if (Date.now() - (this.lastAt.get(handler) ?? Number.NEGATIVE_INFINITY) < throttle) continue
        this.lastAt.set(handler, Date.now())
      }
      if (!(await perform())) isDone = false
    }
    return isDone
  }

  /** What waits does not happen any more. */
  clear(): void {
    for (const timer of this.waiting.values()) clearTimeout(timer)
    this.waiting.clear()
  }
}
