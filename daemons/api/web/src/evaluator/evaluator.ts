/**
 * The page's side of the evaluator: hands the worker the bindings and the state, and takes their values.
 *
 * Owns the worker's life. When an answer is overdue the worker is in an endless loop: it is killed and started again in a
 * mode where it names each binding first, so that the one at fault is known and left out from then on.
 */
import { type FromWorker, type Model, type Outcome, type Templates, type ToWorker, emptyModel } from './protocol'
import { type SandboxedWorker, spawn } from './sandbox'

/** An answer that takes longer comes from an endless loop. */
const overdueMs = 1500

type State = Record<string, Record<string, unknown>>

export interface EvaluatorEvents {
  changed: (outcomes: Record<string, Outcome>) => void
  dependencies: (dependencies: Record<string, string[]>) => void
  /** Bindings that took long, in milliseconds. */
  slow?: (slow: Record<string, number>) => void
}

/** What a running script asks the page for. */
export interface ScriptCalls {
  call: (name: string, method: string, parameters: unknown[]) => Promise<unknown>
  log: (text: string) => void
}

interface Running extends ScriptCalls {
  end: (outcome: { value: unknown } | { error: string }) => void
}

const ranTooLong = 'It ran too long and was stopped: an endless loop?'

export class Evaluator {
  private worker: SandboxedWorker | undefined
  private model: Model = emptyModel()
  private state: State = {}
  /** What the worker has of it. */
  private known: State = {}
  private sequence = 0
  private readonly waiting = new Map<number, (message: FromWorker) => void>()
  private readonly scripts = new Map<number, Running>()
  /** Scripts that were asked for before the worker had started. */
  private readonly early: ToWorker[] = []
  private unanswered = 0
  private watchdog: ReturnType<typeof setTimeout> | undefined
  private lastEvaluated: string | undefined
  private isCareful = false
  /** Bindings that ran without end, with their text: a changed text gets a new chance. */
  private readonly poisoned = new Map<string, string>()
  private isReady = false
  private isClosed = false

  constructor(private readonly events: EvaluatorEvents) {
    void this.start()
  }

  /** Replaces bindings and state. */
  load(model: Model, state: State): void {
    this.model = model
    this.state = { ...state }
    for (const [id, text] of this.poisoned) if (this.textOf(id) !== text) this.poisoned.delete(id)
    this.sendLoad()
  }

  setState(name: string, values: Record<string, unknown>): void {
    this.state[name] = values
    if (!this.isReady) return
    const changes = changesOf(this.known[name], values)
    const dropped = Object.keys(this.known[name] ?? {}).filter((key) => !(key in values))
    this.known[name] = values
    this.send({ do: 'state', sequence: ++this.sequence, name, changes, dropped })
  }

  /** Values of texts and expressions now, after everything that was sent before. */
  async evaluate(templates: Templates, expressions: Record<string, string> = {}, locals: Record<string, unknown> = {}): Promise<Record<string, Outcome>> {
    const sequence = ++this.sequence
    const answer = await this.ask({ do: 'evaluate', sequence, templates, expressions, locals }, sequence)
    if (answer?.event === 'evaluated') return answer.outcomes
    const error = ranTooLong
    return Object.fromEntries([...Object.keys(templates), ...Object.keys(expressions)].map((id) => [id, { error }]))
  }

  /** Values of the same texts for each of several sets of names; nothing when they ran too long. */
  async evaluateEach(templates: Templates, locals: Record<string, unknown>[]): Promise<Record<string, Outcome>[] | undefined> {
    const sequence = ++this.sequence
    const answer = await this.ask({ do: 'each', sequence, templates, locals }, sequence)
    return answer?.event === 'each' ? answer.outcomes : undefined
  }

  /** The expressions in a text. */
  async cut(text: string): Promise<{ expressions: string[]; error?: string }> {
    const sequence = ++this.sequence
    const answer = await this.ask({ do: 'cut', sequence, text }, sequence)
    return answer?.event === 'cut' ? answer : { expressions: [], error: 'The text could not be read.' }
  }

  /** Runs a script to its end, with what only it sees: its value. Throws what it throws, and when its time is over. */
  runScript(code: string, locals: Record<string, unknown>, timeoutMs: number, calls: ScriptCalls): Promise<unknown> {
    const run = ++this.sequence
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.send({ do: 'stop', run })
        end({ error: `It took longer than ${timeoutMs} ms and was stopped.` })
      }, timeoutMs)
      const end: Running['end'] = (outcome) => {
        clearTimeout(timer)
        this.scripts.delete(run)
        if ('error' in outcome) reject(new Error(outcome.error))
        else resolve(outcome.value)
      }
      this.scripts.set(run, { ...calls, end })
      const message: ToWorker = { do: 'script', run, code, locals }
      if (this.isReady) this.send(message)
      else this.early.push(message)
    })
  }

  close(): void {
    this.isClosed = true
    for (const { end } of this.scripts.values()) end({ error: 'The app was closed.' })
    clearTimeout(this.watchdog)
    this.worker?.kill()
  }

  private async start(): Promise<void> {
    // On its own: the page paints before the evaluator has arrived.
    const { default: source } = await import('virtual:worker/evaluator/worker.ts')
    const worker = await spawn(source)
    if (this.isClosed) return worker.kill()
    this.worker = worker
    worker.port.onmessage = ({ data }: MessageEvent<FromWorker>) => this.receive(data)
  }

  private textOf(id: string): string {
    return JSON.stringify(this.model.templates[id] ?? this.model.expressions[id] ?? null)
  }

  private receive(message: FromWorker): void {
    switch (message.event) {
      case 'ready':
        this.isReady = true
        this.sendLoad()
        this.takeWaiting().forEach((resolve) => resolve(message))
        for (const early of this.early.splice(0)) this.send(early)
        return
      case 'evaluating':
        this.lastEvaluated = message.id
        this.watch()
        return
      case 'working':
        this.watch()
        return
      case 'loaded':
        this.answered()
        this.events.dependencies(message.dependencies)
        this.tellSlow(message.slow)
        this.events.changed(message.changed)
        return
      case 'changed':
        this.answered()
        this.tellSlow(message.slow)
        this.events.changed(message.changed)
        return
      case 'paused':
        this.answered()
        return
      case 'ended':
        this.scripts.get(message.run)?.end(message.outcome)
        return
      case 'log':
        this.scripts.get(message.run)?.log(message.text)
        return
      case 'call':
        void this.called(message)
        return
      case 'evaluated':
      case 'each':
      case 'cut': {
        this.answered()
        const resolve = this.waiting.get(message.sequence)
        this.waiting.delete(message.sequence)
        resolve?.(message)
      }
    }
  }

  private tellSlow(slow: Record<string, number>): void {
    if (Object.keys(slow).length > 0) this.events.slow?.(slow)
  }

  private async called({ run, call, name, method, parameters }: Extract<FromWorker, { event: 'call' }>): Promise<void> {
    const script = this.scripts.get(run)
    if (!script) return
    const worker = this.worker
    const outcome = await script.call(name, method, parameters).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    // A worker that was started since then knows nothing of the script.
    if (this.worker === worker && this.scripts.has(run)) this.send({ do: 'answer', run, call, outcome })
  }

  /** All who wait for an answer. Taken out first: a resolved one may ask again at once, under the same number. */
  private takeWaiting(): ((message: FromWorker) => void)[] {
    const asked = [...this.waiting.values()]
    this.waiting.clear()
    return asked
  }

  private ask(message: ToWorker, sequence: number): Promise<FromWorker | undefined> {
    return new Promise((resolve) => {
      if (this.isReady) {
        this.waiting.set(sequence, resolve)
        this.send(message)
      } else {
        // Asked once more when the worker has loaded the model.
        this.waiting.set(sequence, () => resolve(this.ask(message, sequence)))
      }
    })
  }

  private sendLoad(): void {
    if (!this.isReady) return
    // Of a name that holds less than before everything is sent again.
    const removed = Object.entries(this.known).flatMap(([name, values]) => (Object.keys(values).every((key) => key in (this.state[name] ?? {})) && name in this.state ? [] : [name]))
    for (const name of removed) delete this.known[name]
    const changes = Object.fromEntries(Object.entries(this.state).map(([name, values]) => [name, changesOf(this.known[name], values)]))
    this.known = { ...this.state }
    this.send({ do: 'load', model: this.model, changes, removed, isCareful: this.isCareful, poisoned: [...this.poisoned.keys()] })
  }

  private send(message: ToWorker): void {
    if (!this.isReady || !this.worker) return
    this.worker.port.postMessage(message)
    this.unanswered += 1
    this.watchdog ??= setTimeout(() => this.restart(), overdueMs)
  }

  private answered(): void {
    this.unanswered -= 1
    this.watch()
  }

  /** From now on it may be silent for so long. */
  private watch(): void {
    clearTimeout(this.watchdog)
    this.watchdog = this.unanswered > 0 ? setTimeout(() => this.restart(), overdueMs) : undefined
  }

  private restart(): void {
    if (this.isCareful && this.lastEvaluated !== undefined) this.poisoned.set(this.lastEvaluated, this.textOf(this.lastEvaluated))
    this.isCareful = true
    this.lastEvaluated = undefined
    this.watchdog = undefined
    this.unanswered = 0
    this.isReady = false
    this.known = {}
    this.worker?.kill()
    for (const { end } of this.scripts.values()) end({ error: ranTooLong })
    this.early.length = 0
    // What was asked for may be what loops: it is answered as such, never asked again.
    this.takeWaiting().forEach((resolve) => resolve({ event: 'evaluating', id: '' }))
    void this.start()
  }
}

function changesOf(before: Record<string, unknown> | undefined, after: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(after).filter(([key, value]) => !before || !(key in before) || !Object.is(before[key], value)))
}
