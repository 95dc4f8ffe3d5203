/** Where somebody wanted to go who was sent to a provider meanwhile, and what a log-in needs after the password. */
import type { LogInStep } from '../api/types'

export type { LogInStep }

/** What the answer to a password says is still to come, if anything. */
export function stepIn(answer: object | undefined): LogInStep | undefined {
  return answer && 'needs' in answer ? (answer.needs as LogInStep) : undefined
}

const key = 'bulkhead-sign-in-next'

/** Only a path of our own: a link must not send people elsewhere after they logged in. */
export function safeNext(next: string | null | undefined): string {
  // As the browser will read it, which leaves out tabs and line ends: `/\t/example.org` leads elsewhere.
  const to = next && URL.canParse(next, location.origin) ? new URL(next, location.origin) : undefined
  return to?.origin === location.origin && next?.startsWith('/') ? to.pathname + to.search + to.hash : '/'
}

export function rememberWay(next: string): void {
  sessionStorage.setItem(key, next)
}

export function rememberedWay(): string {
  const next = sessionStorage.getItem(key)
  sessionStorage.removeItem(key)
  return safeNext(next)
}
