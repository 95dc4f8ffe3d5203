/**
 * The bindings of an app as a graph: evaluates in dependency order, and only what a change reaches.
 *
 * Runs inside the sandboxed worker and knows nothing of messages or the DOM. A cycle is an error of every binding on it.
 */
import { BindingError } from './binding'
import { type Compiled, type Scope, compileExpression, compileTemplate, compileTransform, emptyScope, seenWith } from './compile'
import { asType } from '../runtime/values'
import { explained, frozen, sizeProblem } from './guard'
import { type Model, type Outcome, emptyModel } from './protocol'
import { translator } from './translate'

type State = Record<string, Record<string, unknown>>

/** A binding that takes longer is one to look at. */
const slowMs = 8

interface Node {
  id: string
  compiled: Compiled
  /** Ids of nodes that this one reads. */
  reads: Set<string>
}

export class BindingGraph {
  private readonly nodes = new Map<string, Node>()
  private readonly readers = new Map<string, Set<string>>()
  private readonly exposedBy = new Map<string, string[]>()
  private readonly sources = new Map<string, { key: string; compiled: Compiled }>()
  private order: string[] = []
  private onCycle = new Set<string>()
  private outcomes = new Map<string, Outcome>()
  private state: State = {}
  private readonly scope: Scope = emptyScope()
  private model = emptyModel()
  private slow: Record<string, number> = {}
  private beforeCompiling: (() => void) | undefined

  /** Replaces the model and changes the state. Texts that did not change are not compiled again; `before` each that is. */
  load(model: Model, changes: State, removed: string[], poisoned: ReadonlySet<string>, before?: () => void): void {
    this.model = model
    this.beforeCompiling = before
    for (const name of removed) delete this.state[name]
    for (const [name, values] of Object.entries(changes)) this.state[name] = { ...this.state[name], ...frozen(values) }
    this.nodes.clear()
    for (const [id, template] of Object.entries(model.templates)) this.addNode(id, JSON.stringify(template), () => compileTemplate(template))
    for (const [id, source] of Object.entries(model.expressions)) this.addNode(id, `=${source}`, () => compileExpression(source))
    for (const [id, { query, code }] of Object.entries(model.transforms)) this.addNode(id, `${query}>${code}`, () => compileTransform(code, query))
    for (const id of poisoned) {
      const node = this.nodes.get(id)
      if (node) node.compiled = { ...node.compiled, run: () => { throw new BindingError('It ran too long and was stopped: an endless loop?') } }
    }
    this.link()
    for (const name of Object.keys(this.scope)) delete this.scope[name]
    Object.assign(this.scope, frozen(model.globals))
    if (model.texts) this.scope['t'] = translator(model.texts)
    for (const [name, values] of Object.entries(this.state)) this.scope[name] = Object.freeze({ ...values })
    this.exposedBy.clear()
    for (const [path, id] of Object.entries(model.exposed)) {
      this.scope[path.slice(0, path.indexOf('.'))] ??= {}
      this.exposedBy.set(id, [...(this.exposedBy.get(id) ?? []), path])
    }
    this.outcomes = new Map()
  }

  /** The names that each binding reads. */
  dependencies(): Record<string, string[]> {
    return Object.fromEntries([...this.nodes].map(([id, node]) => [id, [...new Set(node.compiled.references.map((reference) => reference.name))]]))
  }

  evaluateAll(before?: (id: string) => void): Record<string, Outcome> {
    return this.evaluate(new Set(this.order), before)
  }

  /** Takes new values of one name and evaluates what reads them. */
  setState(name: string, changes: Record<string, unknown>, before?: (id: string) => void, dropped: string[] = []): Record<string, Outcome> {
    const changed = [...Object.keys(changes), ...dropped]
    this.put(name, changes, dropped)
    for (const property of dropped) this.expose(`${name}.${property}`)
    const reached = new Set<string>()
    for (const [id, node] of this.nodes) {
      const reads = node.compiled.references.some((reference) => reference.name === name && (reference.property === undefined || changed.includes(reference.property)))
      if (reads) this.reach(id, reached)
    }
    return this.evaluate(reached, before)
  }

  /** Evaluates texts and expressions once, outside the graph; `locals` is what only they see. */
  evaluateOnce(templates: Record<string, unknown>, expressions: Record<string, string>, locals: Record<string, unknown> = {}): Record<string, Outcome> {
    const outcomes: Record<string, Outcome> = {}
    const scope = Object.assign(emptyScope(), this.scope)
    for (const [name, own] of Object.entries(locals)) scope[name] = seenWith(scope[name], own)
    for (const [id, template] of Object.entries(templates)) outcomes[id] = this.outcomeOf(compileTemplate(template), scope)
    for (const [id, source] of Object.entries(expressions)) outcomes[id] = this.outcomeOf(compileExpression(source), scope)
    return outcomes
  }

  /** Evaluates the same texts for each of several sets of names, which only they see. */
  evaluateEach(templates: Record<string, unknown>, locals: Record<string, unknown>[]): Record<string, Outcome>[] {
    const compiled = Object.entries(templates).map(([id, template]) => [id, compileTemplate(template)] as const)
    return locals.map((own) => {
      const scope = Object.assign(emptyScope(), this.scope, own)
      return Object.fromEntries(compiled.map(([id, one]) => [id, plainOutcome(one, scope)]))
    })
  }

  /** What expressions see now. */
  seen(): Scope {
    return this.scope
  }

  methodsOf(name: string): readonly string[] {
    return this.model.methods[name] ?? []
  }

  /** Shows new values of a name at once. What reads them is evaluated when they come from the page. */
  put(name: string, changes: Record<string, unknown>, dropped: string[] = []): void {
    const without = (values: Record<string, unknown>) => Object.fromEntries(Object.entries(values).filter(([property]) => !dropped.includes(property)))
    const current = { ...this.state[name], ...frozen(changes) }
    this.state[name] = dropped.length === 0 ? current : without(current)
    const shown = { ...this.namespace(name), ...changes }
    this.scope[name] = Object.freeze(dropped.length === 0 ? shown : without(shown))
  }

  /** The bindings that took long since this was last asked, in milliseconds. */
  takeSlow(): Record<string, number> {
    const slow = this.slow
    this.slow = {}
    return slow
  }

  private addNode(id: string, key: string, compile: () => Compiled): void {
    const known = this.sources.get(id)
    if (known?.key !== key) this.beforeCompiling?.()
    const compiled = known?.key === key ? known.compiled : compile()
    this.sources.set(id, { key, compiled })
    this.nodes.set(id, { id, compiled, reads: new Set() })
  }

  private link(): void {
    this.readers.clear()
    // By name: in an app of thousands of bindings each is looked up, never searched for.
    const exposed = new Map<string, Map<string, string>>()
    for (const [path, id] of Object.entries(this.model.exposed)) {
      if (!this.nodes.has(id)) continue
      const dot = path.indexOf('.')
      const name = path.slice(0, dot)
      const properties = exposed.get(name) ?? new Map<string, string>()
      exposed.set(name, properties.set(path.slice(dot + 1), id))
    }
    for (const node of this.nodes.values()) {
      for (const { name, property } of node.compiled.references) {
        for (const id of this.model.feeds[name] ?? []) node.reads.add(id)
        const properties = exposed.get(name)
        if (property === undefined) for (const id of properties?.values() ?? []) node.reads.add(id)
        else if (properties?.has(property)) node.reads.add(properties.get(property) ?? '')
      }
      for (const id of node.reads) {
        const readers = this.readers.get(id) ?? new Set()
        this.readers.set(id, readers.add(node.id))
      }
    }
    this.sort()
  }

  /** Kahn's algorithm: what remains has a cycle in it or above it. */
  private sort(): void {
    const waiting = new Map([...this.nodes.values()].map((node) => [node.id, [...node.reads].filter((id) => this.nodes.has(id)).length]))
    const ready = [...waiting].filter(([, count]) => count === 0).map(([id]) => id)
    this.order = []
    for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
      this.order.push(id)
      for (const reader of this.readers.get(id) ?? []) {
        const left = (waiting.get(reader) ?? 0) - 1
        waiting.set(reader, left)
        if (left === 0) ready.push(reader)
      }
    }
    const sorted = new Set(this.order)
    const left = [...this.nodes.keys()].filter((id) => !sorted.has(id))
    this.onCycle = new Set(left.filter((id) => this.reachable(id).has(id)))
    this.order.push(...left)
  }

  private reachable(from: string): Set<string> {
    const found = new Set<string>()
    for (const reader of this.readers.get(from) ?? []) this.reach(reader, found)
    return found
  }

  private reach(id: string, into: Set<string>): void {
    const pending = [id]
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (into.has(at)) continue
      into.add(at)
      pending.push(...(this.readers.get(at) ?? []))
    }
  }

  private evaluate(ids: ReadonlySet<string>, before?: (id: string) => void): Record<string, Outcome> {
    const changed: Record<string, Outcome> = {}
    for (const id of this.order) {
      const node = this.nodes.get(id)
      if (!ids.has(id) || !node) continue
      before?.(id)
      const begun = performance.now()
      const outcome = this.onCycle.has(id) ? { error: this.cycleText(id), isFault: true } : this.outcomeOf(node.compiled, this.scope)
      const ms = performance.now() - begun
      if (ms >= slowMs) this.slow[id] = ms
      if (sameOutcome(this.outcomes.get(id), outcome)) continue
      this.outcomes.set(id, outcome)
      changed[id] = outcome
      for (const path of this.exposedBy.get(id) ?? []) this.expose(path)
    }
    return changed
  }

  private cycleText(id: string): string {
    const others = [...this.onCycle].filter((other) => other !== id && this.reachable(id).has(other) && this.reachable(other).has(id))
    return others.length === 0 ? 'It reads itself: remove the reference.' : `It reads itself by way of ${others.slice(0, 3).join(', ')}: remove one of the references.`
  }

  /** What expressions see at `path`: the state's value, or else what its binding gave. */
  private expose(path: string): void {
    const id = this.model.exposed[path]
    const dot = path.indexOf('.')
    const [name, property] = [path.slice(0, dot), path.slice(dot + 1)]
    if (id === undefined || property in (this.state[name] ?? {})) return
    const outcome = this.outcomes.get(id)
    const value = outcome && 'value' in outcome ? outcome.value : outcome && 'same' in outcome ? this.state[outcome.same[0]]?.[outcome.same[1]] : undefined
    const type = this.model.types[path]
    this.scope[name] = Object.freeze({ ...this.namespace(name), [property]: frozen(type ? asType(type, value) : value) })
  }

  private namespace(name: string): Record<string, unknown> {
    return (this.scope[name] ?? {}) as Record<string, unknown>
  }

  private outcomeOf(compiled: Compiled, scope: Scope): Outcome {
    try {
      const value = compiled.run(scope)
      // Rows of a query are with the page already: naming them spares copying them back.
      if (typeof value === 'object' && value !== null) {
        for (const { name, property } of compiled.references) {
          if (property !== undefined && this.state[name]?.[property] === value) return { same: [name, property] }
        }
      }
      const problem = typeof value === 'object' || typeof value === 'string' ? sizeProblem(value) : undefined
      return problem === undefined ? { value } : { error: problem }
    } catch (error) {
      if (error instanceof BindingError) return { error: error.message, isFault: true }
      return { error: explained(error) }
    }
  }
}

function plainOutcome(compiled: Compiled, scope: Scope): Outcome {
  try {
    return { value: compiled.run(scope) }
  } catch (error) {
    if (error instanceof BindingError) return { error: error.message, isFault: true }
    return { error: explained(error) }
  }
}

function sameOutcome(left: Outcome | undefined, right: Outcome): boolean {
  if (!left) return false
  if ('error' in left || 'error' in right) return 'error' in left && 'error' in right && left.error === right.error
  // An object may have changed inside, and `same` points at a value that the state replaced.
  return 'value' in left && 'value' in right && typeof right.value !== 'object' && Object.is(left.value, right.value)
}
