/** How the API says no, as an error that screens can show. */
import type { Fault, Problem } from './types'
import { t } from '../messages/messages'

export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly faults: Fault[]
  /** 1-based character in a SQL statement. */
  readonly position: number | undefined
  /** The resource that an account has to be connected to. */
  readonly resource: string | undefined

  constructor(problem: Partial<Problem> & { status: number }) {
    super(problem.detail ?? t('The server answered {status}. Try again in a moment.', { status: String(problem.status) }))
    this.status = problem.status
    this.code = problem.code ?? 'unknown'
    this.faults = problem.faults ?? []
    this.position = problem.position ?? undefined
    this.resource = problem.resource ?? undefined
  }
}

/** What is wrong, from whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiProblem) return error.message
  // Browsers word a failed fetch each in their own way, none of them helpful.
  if (error instanceof TypeError) return t('The server cannot be reached. Check your connection and try again.')
  return error instanceof Error ? error.message : String(error)
}

export function isProblem(error: unknown, code: string): error is ApiProblem {
  return error instanceof ApiProblem && error.code === code
}

/** Whether it may well work a little later: what was thrown is no answer, or says that the server is not well. */
export function isPassing(error: unknown): boolean {
  return error !== undefined && (!(error instanceof ApiProblem) || error.status >= 500 || error.status === 429)
}

/** The first fault of a document at this place: `triggers.nightly.cron`, say. */
export function faultAt(error: unknown, path: string): string | undefined {
  return error instanceof ApiProblem ? error.faults.find((fault) => fault.path === path)?.message : undefined
}

export async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => ({}))
  return new ApiProblem({ ...(typeof body === 'object' ? body : {}), status: response.status })
}
