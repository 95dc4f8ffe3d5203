/** What a running app shows and holds: its store. */
import type { QueryState } from './query-state'

export type Shown = { value: unknown } | { error: string; isFault?: boolean }

export interface RuntimeState {
  page: string
  /** Values of bindings by the id of their place, `component.property`. */
  shown: Record<string, Shown>
  components: Record<string, Record<string, unknown>>
  /** Inputs that a person has been at, and those of a form that was to be sent: only these say what is wrong with them. */
  checked: Record<string, boolean>
  queries: Record<string, QueryState>
  /** The names that each binding reads. */
  dependencies: Record<string, string[]>
  isReady: boolean
}
