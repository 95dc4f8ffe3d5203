/** What the app on the canvas did last, and which of its bindings were slow. The panels that show it arrive when they are opened. */
import { createStore } from 'zustand/vanilla'
import type { RuntimeHost } from '../../runtime/runtime'
import type { TraceEntry } from '../../runtime/trace'

const mostEntries = 500

export interface Watched {
  /** The newest last. */
  entries: TraceEntry[]
  /** Milliseconds that bindings took last, for those that took long. */
  slow: Record<string, number>
}

export const watched = createStore<Watched>(() => ({ entries: [], slow: {} }))

/** Watches an app from its beginning. */
export function watch(): Required<Pick<RuntimeHost, 'trace' | 'slow'>> {
  watched.setState({ entries: [], slow: {} })
  return {
    trace: (entry) => watched.setState(({ entries }) => ({ entries: [...entries.slice(1 - mostEntries), { ...entry, at: Date.now() }] })),
    slow: (slow) => watched.setState((state) => ({ slow: { ...state.slow, ...slow } })),
  }
}
