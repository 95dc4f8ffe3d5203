/** Runs one block alone and keeps what it says as it comes. */
import { useEffect, useRef, useState } from 'react'
import { wholeResult } from '../api/client'
import { runBlock } from '../api/ndjson'
import { ApiProblem, messageOf } from '../api/problem'
import type { LogLine, QueryResult, RunError, WorkflowDocument } from '../api/types'

export interface Outcome {
  lines: LogLine[]
  value?: unknown
  hasValue?: boolean
  result?: QueryResult
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

  const run = async (block: string, document: WorkflowDocument, inputs: unknown) => {
    const controller = new AbortController()
    running.current = controller
    setRunning(true)
    onError?.(undefined)
    let now: Outcome = { lines: [] }
    const show = (part: Partial<Outcome>) => {
      now = { ...now, ...part }
      setOutcome(now)
    }
    show({})
    try {
      const result = await runBlock(slug, block, { document, inputs }, (event) => {
        if (event.event === 'log') return show({ lines: [...now.lines, event] })
        if (event.error) onError?.(event.error)
        show({ usage: event.usage, ...(event.error ? { error: event.error } : { value: event.value, hasValue: true }) })
      }, controller.signal)
      if (result) show({ result: wholeResult(result) })
    } catch (problem) {
      if (controller.signal.aborted) return show({ problem: new Error('Stopped.') })
      onError?.({ message: messageOf(problem), ...(problem instanceof ApiProblem && problem.position !== undefined ? { position: problem.position } : {}) })
      show({ problem })
    } finally {
      setRunning(false)
    }
  }
  return { outcome, isRunning, run, stop: () => running.current?.abort() }
}
