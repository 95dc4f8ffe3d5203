/** The API's client, typed by the generated document. Refusals are thrown as `ApiProblem`. */
import createClient from 'openapi-fetch'
import { t } from '../messages/messages'
import type { paths } from './generated'
import { ApiProblem, problemOf } from './problem'
import type { QueryResult } from './types'

/** Proves to the server that the request is this UI's own. */
export const ownRequest = { 'x-bulkhead-csrf': '1' }

// Tests replace it; the page sends cookies to its own origin without being told.
export const api = createClient<paths>({ baseUrl: '/', headers: ownRequest })

api.use({
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response)
  },
})

/** The data of an answer. Refusals have been thrown already. */
export async function dataOf<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer
  return data as T
}

/** A query's result, or the error that struck after its first row. */
export function wholeResult(result: QueryResult): QueryResult {
  if (result.error) throw new ApiProblem(result.error)
  if (!result.end) throw new ApiProblem({ status: 502, code: 'cut-off', detail: t('The result was cut off on its way. Run the query again.') })
  return result
}
