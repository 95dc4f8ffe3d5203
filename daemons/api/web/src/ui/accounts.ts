/** Accounts that queries have asked for: which resources they are of, and which queries wait for each. */
import { createStore } from 'zustand/vanilla'
import { isProblem } from '../api/problem'

/** On which windows tell each other, by its name, that a resource's account was connected. */
export const accountChannel = 'bulkhead-accounts'

export const accountsNeeded = createStore<{ queries: Record<string, string[]> }>(() => ({ queries: {} }))

/** Remembers a query that failed for want of an account. */
export function noteAccount(error: unknown, query: string): void {
  if (!isProblem(error, 'account-needed') || !error.resource) return
  const { resource } = error
  accountsNeeded.setState(({ queries }) => ({ queries: { ...queries, [resource]: [...new Set([...(queries[resource] ?? []), query])] } }))
}
