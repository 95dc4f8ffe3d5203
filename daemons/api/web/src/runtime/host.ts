/** Who runs an app: the hosted app, the builder's canvas and the gallery. */
import type { ExportFormat, QueryResult } from '../api/types'
import type { Address } from './address'
import type { AppStorage } from './storage'
import type { Trace } from './trace'

export type NotifyTone = 'info' | 'success' | 'warning' | 'error'

export interface RuntimeHost {
  runQuery: (name: string, parameters: Record<string, unknown>, signal: AbortSignal) => Promise<QueryResult>
  /** Saves all rows of a query as a file, and says so. */
  exportQuery?: (name: string, parameters: Record<string, unknown>, format: ExportFormat, onBytes: (count: number) => void, signal: AbortSignal) => Promise<string>
  /** Starts a run of a workflow. */
  runWorkflow: (workflow: string, body: unknown) => Promise<void>
  confirm: (question: string) => Promise<boolean>
  notify: (message: string, tone: NotifyTone, durationMs?: number) => void
  globals: Record<string, unknown>
  /** The languages that the person understands, the best first: the app speaks the first that it can. */
  languages?: readonly string[]
  storage: AppStorage
  /** Shows where the app is; `isNew` when Back leads to where it was. */
  showAddress?: (address: Address, isNew: boolean) => void
  /** Queries run that the page does not need: whoever builds it wants to see them. */
  runsAll?: boolean
  trace?: Trace
  /** Bindings that took long, in milliseconds. */
  slow?: (slow: Record<string, number>) => void
}
