/** Runs one block alone and keeps what it says as it comes. */
import { useEffect, useRef, useState } from 'react'
import { api, dataOf, wholeResult } from '../api/client'
import { runBlock } from '../api/ndjson'
import { ApiProblem, messageOf } from '../api/problem'
import type { LogLine, Plan, QueryResult, RunError, WorkflowDocument } from '../api/types'

export interface Outcome {
  lines: LogLine[]
  value?: unknown
  hasValue?: boolean
  result?: QueryResult
  plan?: Plan
  error?: RunError
  problem?: unknown
  usage?: { wall_ms: number; peak_memory_bytes: number }
}

type OnError = (error: RunError | { message: string; position?: number } | undefined) => void

export function useBlockRun(slug: string, onError?: OnError) {
  const [outcome, setOutcome] = useState<Outcome>()
  const running = useRef<AbortController>(null)
  const [isRunning, setRunning] = useState(false)
  useEffect(() => () => running.current?.abort(), [])

  const begin = async (work: (show: (part: Partial<Outcome>) => void, signal: AbortSignal) => Promise<void>) => {
    const controller = new AbortController()
    running.current = controller
    setRunning(true)
    onError?.(undefined)
    let now: Outcome = { lines: [] }
    const show = (part: Partial<Outcome>) => {
      now = { ...now, ...part, lines: [...now.lines, ...(part.lines ?? [])] }
      setOutcome(now)
    }
    show({})
    try {
      await work(show, controller.signal)
    } catch (problem) {
      if (controller.signal.aborted) return show({ problem: new Error('Stopped.') })
      onError?.({ message: messageOf(problem), ...(problem instanceof ApiProblem && problem.position !== undefined ? { position: problem.position } : {}) })
      show({ problem })
    } finally {
      setRunning(false)
    }
  }
  const run = (block: string, body: { document: WorkflowDocument; inputs: unknown; environment?: string }) =>
    begin(async (show, signal) => {
      const result = await runBlock(slug, block, body, (event) => {
        if (event.event === 'log') return show({ lines: [event] })
        if (event.error) onError?.(event.error)
        show({ usage: event.usage, ...(event.error ? { error: event.error } : { value: event.value, hasValue: true }) })
      }, signal)
      if (result) show({ result: wholeResult(result) })
    })
  /** How the resource of a query block would run it. */
  const explain = (block: string, body: { document: WorkflowDocument; inputs: Record<string, unknown>; analyze: boolean; environment?: string }) =>
    begin(async (show, signal) => {
      const answer = api.POST('/api/v1/workflows/{slug}/blocks/{block}/explain', { params: { path: { slug, block } }, body, signal })
      show({ plan: await dataOf(answer) })
    })
  return { outcome, isRunning, run, explain, stop: () => running.current?.abort() }
}
