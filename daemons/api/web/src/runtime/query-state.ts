/** How a query is asked for, where it stands, and what expressions see of it. */
import type { QueryResult } from '../api/types'
import type { Within } from './lists'
import type { RuntimeQuery } from './model'

export interface RunOptions {
  chain?: number
  args?: Record<string, unknown>
  /** The item of a list that whoever asked for it is of. */
  within?: Within | undefined
  /** It was not asked for: it waits for its values, and shows no message. */
  isAutomatic?: boolean
  /** Whoever asked for it says itself what went wrong. */
  isQuiet?: boolean
}

export interface QueryState {
  /** `waiting`: a value that it binds does not exist yet. */
  status: 'idle' | 'waiting' | 'loading' | 'done' | 'failed'
  result?: QueryResult
  message?: string
  position?: number
}

const none: never[] = []

/** What expressions see of a query or a script. */
export function seenOf(state: QueryState | undefined, query: RuntimeQuery | undefined): Record<string, unknown> {
  const result = state?.result
  const outcome = { loading: state?.status === 'loading', error: state?.status === 'failed' ? (state.message ?? null) : null }
  if (query?.code !== undefined) return { data: result && 'data' in result ? (result.data ?? null) : null, ...outcome }
  const rows = result?.rows ?? none
  // What a resource answers that does not answer in rows.
  const data = result && 'data' in result ? result.data : rows
  return {
    rows,
    // With a transformer `data` is what that makes of it.
    ...(query?.transform ? { raw: data } : { data }),
    meta: result?.meta ?? null,
    columns: result?.columns ?? none,
    row_count: result?.row_count ?? 0,
    affected: result?.affected ?? null,
    truncated: result?.truncated ?? false,
    ...outcome,
  }
}
