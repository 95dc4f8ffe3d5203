/** The handlers of events: in their order, some once their event has settled, some not too often. */
import type { EventHandler, Step } from '../api/types'
import type { Context } from './actions'

type Follow = (steps: Step[], context: Context) => Promise<boolean>

export class Handlers {
  /** By handler and component: what stands in a list has the same handlers in each item. */
  private readonly waiting = new Map<EventHandler, Map<string, ReturnType<typeof setTimeout>>>()
  private readonly lastAt = new WeakMap<EventHandler, Map<string, number>>()

  constructor(private readonly follow: Follow) {}

  /** An event happens to a component or a page. False when an action failed, or was called off; those that wait for the event to settle are not waited for. */
  async happen(handlers: EventHandler[], name: string, context: Context): Promise<boolean> {
    let isDone = true
    for (const handler of handlers) {
      const { 'debounce-ms': debounce, 'throttle-ms': throttle } = handler
      const perform = () => this.follow([{ ...handler.action, when: handler.when ?? null }], context)
      if (debounce) {
        const own = this.waiting.get(handler) ?? new Map<string, ReturnType<typeof setTimeout>>()
        clearTimeout(own.get(name))
        const settled = () => {
          own.delete(name)
          if (own.size === 0) this.waiting.delete(handler)
          void perform()
        }
        this.waiting.set(handler, own.set(name, setTimeout(settled, debounce)))
        continue
      }
      if (throttle) {
        const own = this.lastAt.get(handler) ?? new Map<string, number>()
        if (Date.now() - (own.get(name) ?? Number.NEGATIVE_INFINITY) < throttle) continue
        this.lastAt.set(handler, own.set(name, Date.now()))
      }
      if (!(await perform())) isDone = false
    }
    return isDone
  }

  /** What waits does not happen any more. */
  clear(): void {
    for (const own of this.waiting.values()) for (const timer of own.values()) clearTimeout(timer)
    this.waiting.clear()
  }
}
