/** Repeats by a timer, paused as long as nobody can see the page. */

interface Repeated {
  everyMs: number
  dueAt: number
  run: () => void
}

export class Timers {
  private readonly repeated = new Map<string, Repeated>()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    if (typeof document !== 'undefined') document.addEventListener('visibilitychange', this.wake)
  }

  /** Replaces what is repeated. What stays with the same time goes on. */
  set(wanted: Record<string, { everyMs: number; run: () => void }>): void {
    for (const name of this.repeated.keys()) if (!wanted[name]) this.repeated.delete(name)
    for (const [name, { everyMs, run }] of Object.entries(wanted)) {
      const known = this.repeated.get(name)
      this.repeated.set(name, { everyMs, run, dueAt: known?.everyMs === everyMs ? known.dueAt : Date.now() + everyMs })
    }
    this.wait()
  }

  close(): void {
    this.repeated.clear()
    clearTimeout(this.timer)
    if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', this.wake)
  }

  /** What became due while the page was hidden runs once, when it is seen again. */
  private readonly wake = (): void => {
    if (!isHidden()) {
      const now = Date.now()
      for (const repeated of this.repeated.values()) {
        if (repeated.dueAt > now) continue
        repeated.dueAt = now + repeated.everyMs
        repeated.run()
      }
    }
    this.wait()
  }

  private wait(): void {
    clearTimeout(this.timer)
    if (this.repeated.size === 0 || isHidden()) return
    const next = Math.min(...[...this.repeated.values()].map(({ dueAt }) => dueAt))
    this.timer = setTimeout(this.wake, Math.max(0, next - Date.now()))
  }
}

function isHidden(): boolean {
  return typeof document !== 'undefined' && document.visibilityState === 'hidden'
}
