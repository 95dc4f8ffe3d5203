/** Answers that arrive line by line. */
import { ownRequest } from './client'
import { problemOf } from './problem'
import type { QueryResult, RunEvent } from './types'

/** Runs one block from the editor: `onEvent` for each event as it comes, or a query's whole result at the end. */
export async function runBlock(slug: string, block: string, body: unknown, onEvent: (event: RunEvent) => void, signal: AbortSignal): Promise<QueryResult | undefined> {
  const response = await fetch(`/api/v1/workflows/${encodeURIComponent(slug)}/blocks/${encodeURIComponent(block)}/run`, {
    method: 'POST',
    headers: { ...ownRequest, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  if (!response.ok) throw await problemOf(response)
  if (!response.headers.get('content-type')?.includes('ndjson')) return (await response.json()) as QueryResult
  if (!response.body) return undefined
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    const lines = (rest + (value ?? '')).split('\n')
    rest = done ? '' : (lines.pop() ?? '')
    for (const line of lines) if (line.trim() !== '') onEvent(JSON.parse(line) as RunEvent)
    if (done) return undefined
  }
}
