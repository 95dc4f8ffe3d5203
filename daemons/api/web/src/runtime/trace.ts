/** What a running app did, for whoever builds it. A hosted app keeps none of it. */

export interface TraceEntry {
  kind: 'event' | 'action' | 'query' | 'script' | 'log'
  /** The component, query or script that it is about. */
  name: string
  text: string
  /** How long it took. */
  ms?: number
  error?: string
  /** When it ended, as `Date.now()` says it. */
  at: number
}

export type Trace = (entry: Omit<TraceEntry, 'at'>) => void
