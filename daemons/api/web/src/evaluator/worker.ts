/**
 * The evaluator's worker. It lives in the sandboxed frame: no origin, no network, no storage. Its one way out is the port
 * that it is handed, and what comes back over it is plain data.
 */
import { BindingError, parseTemplate } from './binding'
import { BindingGraph } from './graph'
import type { FromWorker, Outcome, ToWorker } from './protocol'

const graph = new BindingGraph()

self.addEventListener('message', ({ ports: [port] }) => {
  if (!port) return
  const send = (message: FromWorker) => post(port, message)
  let isCareful = false
  const before = (id: string) => {
    if (isCareful) send({ event: 'evaluating', id })
  }
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    switch (data.do) {
      case 'load': {
        isCareful = data.isCareful
        graph.load(data.model, data.changes, data.removed, new Set(data.poisoned))
        send({ event: 'loaded', changed: graph.evaluateAll(before), dependencies: graph.dependencies() })
        break
      }
      case 'state':
        send({ event: 'changed', sequence: data.sequence, changed: graph.setState(data.name, data.changes, before, data.dropped) })
        break
      case 'evaluate':
        send({ event: 'evaluated', sequence: data.sequence, outcomes: graph.evaluateOnce(data.templates, data.expressions) })
        break
      case 'each':
        send({ event: 'each', sequence: data.sequence, outcomes: graph.evaluateEach(data.templates, data.locals) })
        break
      case 'cut':
        send({ event: 'cut', sequence: data.sequence, ...cut(data.text) })
        break
    }
  }
  send({ event: 'ready' })
})

function cut(text: string): { expressions: string[]; error?: string } {
  try {
    return { expressions: parseTemplate(text).flatMap((part) => ('source' in part ? [part.source] : [])) }
  } catch (error) {
    return { expressions: [], error: error instanceof BindingError ? error.message : String(error) }
  }
}

/** Some values cannot leave the worker (a function in an object, a symbol): each is told apart from the ones that can. */
function post(port: MessagePort, message: FromWorker): void {
  try {
    port.postMessage(message)
  } catch {
    if (message.event === 'loaded' || message.event === 'changed') port.postMessage({ ...message, changed: sendable(message.changed) })
    else if (message.event === 'evaluated') port.postMessage({ ...message, outcomes: sendable(message.outcomes) })
    else if (message.event === 'each') port.postMessage({ ...message, outcomes: message.outcomes.map(sendable) })
  }
}

function sendable(outcomes: Record<string, Outcome>): Record<string, Outcome> {
  return Object.fromEntries(
    Object.entries(outcomes).map(([id, outcome]) => {
      try {
        structuredClone(outcome)
        return [id, outcome]
      } catch {
        return [id, { error: 'The value holds something that is no data, such as a function: return plain values.' }]
      }
    }),
  )
}
