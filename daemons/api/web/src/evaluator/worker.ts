/**
 * The evaluator's worker. It lives in the sandboxed frame: no origin, no network, no storage. Its one way out is the port
 * that it is handed, and what comes back over it is plain data.
 */
import { BindingError, parseTemplate } from './binding'
import { BindingGraph } from './graph'
import { explained, harden, sizeProblem } from './guard'
import type { FromWorker, Outcome, ToWorker } from './protocol'
import { runScript } from './script'

harden(globalThis)
/** The page takes a worker for stuck that is silent for some times as long. */
const wordMs = 300
const graph = new BindingGraph()

self.addEventListener('message', ({ ports: [port] }) => {
  if (!port) return
  const send = (message: FromWorker) => post(port, message)
  let isCareful = false
  let said = 0
  /** Many bindings take their time together: as long as one after the other is done, none of them runs without end. */
  const working = () => {
    const now = performance.now()
    if (now - said < wordMs) return
    said = now
    send({ event: 'working' })
  }
  const before = (id: string) => {
    if (isCareful) send({ event: 'evaluating', id })
    else working()
  }
  const scripts = new Scripts(send)
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    switch (data.do) {
      case 'load': {
        isCareful = data.isCareful
        graph.load(data.model, data.changes, data.removed, new Set(data.poisoned), working)
        send({ event: 'loaded', changed: graph.evaluateAll(before), dependencies: graph.dependencies(), slow: graph.takeSlow() })
        break
      }
      case 'state':
        send({ event: 'changed', sequence: data.sequence, changed: graph.setState(data.name, data.changes, before, data.dropped), slow: graph.takeSlow() })
        break
      case 'evaluate':
        send({ event: 'evaluated', sequence: data.sequence, outcomes: graph.evaluateOnce(data.templates, data.expressions, data.locals) })
        break
      case 'script':
        scripts.start(data.run, data.code, data.locals)
        break
      case 'answer':
        scripts.answer(data.run, data.call, data.outcome)
        break
      case 'stop':
        scripts.stop(data.run)
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

/** The scripts that run. */
class Scripts {
  private readonly calls = new Map<number, Map<number, (outcome: { value: unknown } | { error: string }) => void>>()
  private count = 0

  constructor(private readonly send: (message: FromWorker) => void) {}

  start(run: number, code: string, locals: Record<string, unknown>): void {
    this.calls.set(run, new Map())
    const ask = (name: string, method: string, parameters: unknown[]) =>
      new Promise<unknown>((resolve, reject) => {
        const waiting = this.calls.get(run)
        // A script that was stopped waits for ever: an error it could catch, and go on.
        if (!waiting) return
        const number = ++this.count
        waiting.set(number, (outcome) => ('error' in outcome ? reject(new Error(outcome.error)) : resolve(outcome.value)))
        try {
          structuredClone(parameters)
        } catch {
          waiting.delete(number)
          return reject(new TypeError(`${name ? `${name}.` : ''}${method}() was given something that is no data, such as a function or a component: give it values.`))
        }
        this.send({ event: 'call', run, call: number, name, method, parameters })
      })
    const call = (name: string, method: string, parameters: unknown[]) => {
      const answer = ask(name, method, parameters)
      // A script need not wait for what it asks for; what fails then is seen where it failed.
      answer.catch(() => undefined)
      return answer
    }
    const begun = async () =>
      runScript(code, locals, {
        scope: () => graph.seen(),
        methodsOf: (name) => graph.methodsOf(name),
        call,
        setState: (variable, value) => graph.put('state', { [variable]: { value: structuredClone(value) } }),
        log: (values) => this.send({ event: 'log', run, text: values.map(asLine).join(' ') }),
      })
    begun().then(
      (value) => this.end(run, valueOutcome(value)),
      (error: unknown) => this.end(run, { error: explained(error) }),
    )
    this.pause()
  }

  answer(run: number, call: number, outcome: { value: unknown } | { error: string }): void {
    const waiting = this.calls.get(run)
    waiting?.get(call)?.(outcome)
    waiting?.delete(call)
    this.pause()
  }

  stop(run: number): void {
    this.calls.delete(run)
    this.pause()
  }

  /** Said once the script waits or has ended: as long as it is not, the page counts the time. */
  private pause(): void {
    setTimeout(() => this.send({ event: 'paused' }))
  }

  private end(run: number, outcome: { value: unknown } | { error: string }): void {
    if (this.calls.delete(run)) this.send({ event: 'ended', run, outcome })
  }
}

function valueOutcome(value: unknown): { value: unknown } | { error: string } {
  const problem = sizeProblem(value)
  if (problem !== undefined) return { error: problem }
  try {
    // Of a handle its values are meant.
    const plain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null ? { ...value } : value
    return { value: structuredClone(plain) }
  } catch {
    return { error: 'The script returned something that is no data, such as a function: return plain values.' }
  }
}

/** One line of a log: values as JSON, cut where it is long. */
function asLine(value: unknown): string {
  try {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
    return text.length > 2000 ? `${text.slice(0, 2000)}…` : text
  } catch {
    return String(value)
  }
}

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
