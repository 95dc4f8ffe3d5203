/**
 * A running app: what its components hold, what its queries gave, and what its bindings are worth.
 *
 * Owns the evaluator and the state that expressions see. It renders nothing: components read its store. The hosted app and
 * the builder's canvas are two hosts of the same runtime.
 */
import { createStore } from 'zustand/vanilla'
import { ApiProblem, messageOf } from '../api/problem'
import type { Action, Component, Page, QueryResult } from '../api/types'
import { Evaluator } from '../evaluator/evaluator'
import type { Outcome } from '../evaluator/protocol'
import { type Read, heldValue, isInput, problemOf, stateOf } from './kinds'
import { Lists } from './lists'
import { type RuntimeDocument, initialState, isBoundByServer, modelOf, parameterId } from './model'
import { type Grid, around, baseOf, instanceName, isWithin, listAround } from './nesting'
import { asType, flagOf } from './values'

export interface RuntimeHost {
  runQuery: (name: string, parameters: Record<string, unknown>, signal: AbortSignal) => Promise<QueryResult>
  confirm: (question: string) => Promise<boolean>
  notify: (message: string, tone: 'info' | 'error') => void
  globals: Record<string, unknown>
}

export interface QueryState {
  /** `waiting`: a value that it binds does not exist yet. */
  status: 'idle' | 'waiting' | 'loading' | 'done' | 'failed'
  result?: QueryResult
  message?: string
  position?: number
}

export type Shown = { value: unknown } | { error: string; isFault?: boolean }

export interface RuntimeState {
  page: string
  /** Values of bindings by the id of their place, `component.property`. */
  shown: Record<string, Shown>
  components: Record<string, Record<string, unknown>>
  /** Inputs that a person has been at, and those of a form that was to be sent: only these say what is wrong with them. */
  checked: Record<string, boolean>
  queries: Record<string, QueryState>
  /** The names that each binding reads. */
  dependencies: Record<string, string[]>
  isReady: boolean
}

/** Typing is not one query a key. */
const settleMs = 200
/** Actions that follow each other; more are a loop. */
const maxChain = 20

export class AppRuntime {
  readonly store = createStore<RuntimeState>(() => ({ page: '', shown: {}, components: {}, checked: {}, queries: {}, dependencies: {}, isReady: false }))
  private readonly evaluator = new Evaluator({
    changed: (outcomes) => this.take(outcomes),
    dependencies: (dependencies) => this.store.setState({ dependencies }),
  })
  private readonly lists = new Lists({
    page: () => this.page(),
    state: () => this.store.getState(),
    evaluateEach: (templates, locals) => this.evaluator.evaluateEach(templates, locals),
    show: (shown) => this.store.setState((state) => ({ shown: { ...state.shown, ...shown } })),
    setComponent: (name, values) => this.setComponent(name, values),
  })
  /** What expressions see, by name. */
  private scope: Record<string, Record<string, unknown>> = {}
  private readonly running = new Map<string, AbortController>()
  private readonly settling = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(
    private document: RuntimeDocument,
    private readonly host: RuntimeHost,
  ) {
    this.openPage(document['home-page'])
  }

  /** Opens a page: its components start afresh, and queries that run by themselves run. */
  openPage(page: string): void {
    this.store.setState({ page, components: {}, checked: {}, shown: {}, isReady: false })
    this.scope = {}
    for (const name of Object.keys(this.document.queries)) this.scope[name] = seenOf(this.store.getState().queries[name])
    this.load()
  }

  /** Takes an edited document: what did not change keeps its state. */
  update(document: RuntimeDocument): void {
    const before = this.document
    this.document = document
    for (const [name, query] of Object.entries(document.queries)) {
      const old = before.queries[name]
      this.scope[name] ??= seenOf(undefined)
      const isEdited = !old || old.fingerprint !== query.fingerprint || old.run !== query.run
      if (isEdited && query.run !== 'manual') this.settle(name)
    }
    this.load()
  }

  hasPage(name: string): boolean {
    return Object.hasOwn(this.document.pages, name)
  }

  cut(text: string): Promise<{ expressions: string[]; error?: string }> {
    return this.evaluator.cut(text)
  }

  /** What a person did to a component. */
  setComponent(name: string, values: Record<string, unknown>): void {
    // What stands in a list is seen by way of the list alone.
    const isInstance = baseOf(name).index !== undefined
    if (!isInstance) this.scope[name] = { ...this.scope[name], ...values }
    this.store.setState(({ components }) => ({ components: { ...components, [name]: { ...components[name], ...values } } }))
    if (!isInstance) this.evaluator.setState(name, this.scope[name] ?? {})
    this.lists.refresh()
  }

  /** From now on an input says what is wrong with it. */
  check(name: string): void {
    if (!this.store.getState().checked[name]) this.store.setState(({ checked }) => ({ checked: { ...checked, [name]: true } }))
  }

  /** Forgets what a person did to an input, or to all inputs, tabs and steps in a form: they hold their defaults again. */
  reset(name: string): void {
    for (const input of this.within(name, {}, (kind) => stateOf(kind).value !== undefined)) {
      const { components, checked } = this.store.getState()
      this.store.setState({ components: { ...components, [input]: {} }, checked: { ...checked, [input]: false } })
      if (baseOf(input).index !== undefined) continue
      const component = this.componentOf(input)
      this.scope[input] = component ? initialState(component) : {}
      this.evaluator.setState(input, this.scope[input])
    }
    this.lists.refresh()
  }

  /** Sends a form, when nothing is wrong with its inputs: its `data` is theirs, and its `submit` happens. */
  async submit(form: string): Promise<'invalid' | 'failed' | 'sent'> {
    if (!this.isFilledIn(form)) return 'invalid'
    const data: Record<string, unknown> = {}
    for (const name of this.inputsWithin(form)) {
      if (this.isHidden(name)) continue
      const place = this.lists.placeOf(name)
      if (place) data[place.list] = this.store.getState().components[place.list]?.values ?? []
      else data[name] = heldValue(this.componentOf(name)?.type ?? '', this.store.getState().components[name], this.reader(name))
    }
    this.setComponent(form, { data })
    return (await this.trigger(form, 'submit')) ? 'sent' : 'failed'
  }

  /** Whether nothing is wrong with the inputs in a component, or in one of its grids; what is wrong shows from now on. */
  isFilledIn(form: string, grid: Grid = {}): boolean {
    let isValid = true
    for (const name of this.inputsWithin(form, grid)) {
      const kind = this.componentOf(name)?.type ?? ''
      const read = this.reader(name)
      if (this.isHidden(name) || flagOf(read('disabled'))) continue
      this.check(name)
      if (problemOf(kind, heldValue(kind, this.store.getState().components[name], read), read) !== undefined) isValid = false
    }
    return isValid
  }

  /** A property of a component as it is now. */
  reader(name: string): Read {
    return (property) => {
      const shown = this.store.getState().shown[`${name}.${property}`]
      return shown && 'value' in shown ? shown.value : undefined
    }
  }

  /** An event of a component: its handlers run in order. False when one of them failed, or was called off. */
  async trigger(component: string, event: string): Promise<boolean> {
    const handlers = this.componentOf(component)?.events ?? []
    const place = this.lists.placeOf(component)
    if (place && handlers.length > 0) this.setComponent(place.list, { item: place.item, index: place.index })
    let isDone = true
    for (const handler of handlers) if (handler.on === event && !(await this.perform(handler.action, 0))) isDone = false
    return isDone
  }

  /** Runs a query, after its question; true when it succeeded. */
  async runQuery(name: string, chain = 0): Promise<boolean> {
    const query = this.document.queries[name]
    if (!query) return false
    if (query.mode === 'write' && this.running.has(name)) return false
    if (query.confirm) {
      const question = await this.textOf(query.confirm)
      if (question === undefined || !(await this.host.confirm(question))) return false
    }
    const parameters = await this.parametersOf(name, query.expressions, query.run !== 'manual')
    if (!parameters) return false
    if (!(await this.execute(name, parameters))) return false
    for (const action of query['on-success'] ?? []) await this.perform(action, chain + 1)
    return true
  }

  /** The values of expressions now, for a query that is not part of the document yet. */
  async valuesOf(expressions: string[]): Promise<{ values: Record<string, unknown>; missing?: string }> {
    const asked = expressions.filter((expression) => !isBoundByServer(expression))
    const outcomes = await this.evaluator.evaluate({}, Object.fromEntries(asked.map((expression) => [expression, expression])))
    const values: Record<string, unknown> = {}
    for (const expression of asked) {
      const outcome = this.resolve(outcomes[expression] ?? { error: 'no value' })
      if ('error' in outcome) return { values, missing: `{{ ${expression} }} has no value: ${outcome.error}` }
      if (outcome.value === undefined) return { values, missing: `{{ ${expression} }} has no value yet.` }
      values[expression] = outcome.value
    }
    return { values }
  }

  close(): void {
    for (const controller of this.running.values()) controller.abort()
    for (const timer of this.settling.values()) clearTimeout(timer)
    this.evaluator.close()
  }

  private load(): void {
    const { page, components } = this.store.getState()
    for (const [name, component] of Object.entries(this.document.pages[page]?.components ?? {})) {
      this.scope[name] = { ...initialState(component), ...components[name] }
    }
    const isDefined = (name: string) => name in this.document.queries || name in (this.document.pages[page]?.components ?? {})
    for (const name of Object.keys(this.scope)) if (!isDefined(name)) delete this.scope[name]
    this.evaluator.load(modelOf(this.document, page, this.host.globals), this.scope)
  }

  private take(outcomes: Record<string, Outcome>): void {
    const isFirst = !this.store.getState().isReady
    const shown: Record<string, Shown> = {}
    for (const [id, outcome] of Object.entries(outcomes)) shown[id] = this.resolve(outcome)
    this.store.setState((state) => ({ isReady: true, shown: { ...state.shown, ...shown } }))
    this.lists.refresh()
    for (const [name, query] of Object.entries(this.document.queries)) {
      if (query.run === 'manual') continue
      if (isFirst) void this.runQuery(name)
      else if (query.expressions.some((expression) => parameterId(name, expression) in outcomes)) this.settle(name)
    }
  }

  private resolve(outcome: Outcome): Shown {
    if ('same' in outcome) return { value: this.scope[outcome.same[0]]?.[outcome.same[1]] }
    return outcome
  }

  private settle(name: string): void {
    clearTimeout(this.settling.get(name))
    this.settling.set(name, setTimeout(() => void this.runQuery(name), settleMs))
  }

  /** False when it failed, or was called off. */
  private async perform(action: Action, chain: number): Promise<boolean> {
    if (chain > maxChain) {
      this.host.notify(`${maxChain} actions followed each other: a query runs itself again when it succeeds.`, 'error')
      return false
    }
    switch (action.do) {
      case 'run-query':
        return this.runQuery(action.query, chain)
      case 'set-value': {
        const outcome = await this.evaluated(action.value)
        const type = stateOf(this.componentOf(action.component)?.type ?? '').value
        if (outcome) this.setComponent(this.targetOf(action.component), { value: type ? asType(type, outcome.value) : outcome.value })
        return outcome !== undefined
      }
      case 'reset':
        this.reset(action.component)
        return true
      case 'open':
      case 'close':
        this.setComponent(action.component, { isOpen: action.do === 'open' })
        return true
      case 'notify': {
        const text = await this.textOf(action.message)
        if (text !== undefined) this.host.notify(text, 'info')
        return text !== undefined
      }
    }
  }

  private componentOf(name: string): Component | undefined {
    return this.page().components?.[baseOf(name).base]
  }

  /** The input of this name, or the inputs that stand in what has it. */
  private inputsWithin(name: string, grid: Grid = {}): string[] {
    return this.within(name, grid, isInput)
  }

  private within(name: string, grid: Grid, isWanted: (kind: string) => boolean): string[] {
    const { components = {}, layout = {} } = this.page()
    const { base, index } = baseOf(name)
    const found = Object.keys(components).filter((input) => isWanted(components[input]?.type ?? '') && (input === base || isWithin(layout, input, { parent: base, ...grid })))
    return found.flatMap((input) => (index === undefined ? this.lists.instances(input) : [instanceName(input, index)]))
  }

  /** Whether it is left out of the page: itself, or with what it stands in. */
  private isHidden(name: string): boolean {
    const page = this.page()
    const { base, index } = baseOf(name)
    return around(page.layout ?? {}, base).some((outer) => flagOf(this.reader(listAround(page, outer) === undefined ? outer : instanceName(outer, index))('hidden')))
  }

  private page(): Page {
    return this.document.pages[this.store.getState().page] ?? {}
  }

  /** What an action is about: of what stands in a list, the one in the item whose handlers run. */
  private targetOf(name: string): string {
    const list = listAround(this.page(), name)
    const index = list === undefined ? undefined : this.store.getState().components[list]?.index
    return list === undefined ? name : instanceName(name, typeof index === 'number' ? index : 0)
  }

  /** The value of a text now; nothing, and a message, when it has none. */
  private async evaluated(template: string): Promise<{ value: unknown } | undefined> {
    const { text } = await this.evaluator.evaluate({ text: template })
    const outcome = text && this.resolve(text)
    if (outcome && 'value' in outcome) return outcome
    this.host.notify(outcome?.error ?? 'The text could not be evaluated.', 'error')
    return undefined
  }

  private async textOf(template: string): Promise<string | undefined> {
    const outcome = await this.evaluated(template)
    return outcome && String(outcome.value ?? '')
  }

  /** Values for a query, or nothing when it must wait or cannot run; its state then says why. */
  private async parametersOf(name: string, expressions: string[], isAutomatic: boolean): Promise<Record<string, unknown> | undefined> {
    if (isAutomatic) {
      const fault = expressions.map((expression) => this.store.getState().shown[parameterId(name, expression)]).find((shown) => shown && 'error' in shown && shown.isFault)
      if (fault && 'error' in fault) {
        this.setQuery(name, { status: 'failed', message: fault.error })
        return undefined
      }
    }
    const { values, missing } = await this.valuesOf(expressions)
    if (missing === undefined) return values
    this.setQuery(name, { status: isAutomatic ? 'waiting' : 'failed', message: missing })
    if (!isAutomatic) this.host.notify(missing, 'error')
    return undefined
  }

  private async execute(name: string, parameters: Record<string, unknown>): Promise<boolean> {
    this.running.get(name)?.abort()
    const controller = new AbortController()
    this.running.set(name, controller)
    const previous = this.store.getState().queries[name]?.result
    this.setQuery(name, { status: 'loading', ...(previous ? { result: previous } : {}) })
    try {
      const result = await this.host.runQuery(name, parameters, controller.signal)
      if (this.running.get(name) !== controller) return false
      this.setQuery(name, { status: 'done', result })
      return true
    } catch (error) {
      if (controller.signal.aborted) return false
      const position = error instanceof ApiProblem ? error.position : undefined
      this.setQuery(name, { status: 'failed', message: messageOf(error), ...(position === undefined ? {} : { position }) })
      if (this.document.queries[name]?.run === 'manual') this.host.notify(messageOf(error), 'error')
      return false
    } finally {
      if (this.running.get(name) === controller) this.running.delete(name)
    }
  }

  private setQuery(name: string, state: QueryState): void {
    this.store.setState(({ queries }) => ({ queries: { ...queries, [name]: state } }))
    this.scope[name] = seenOf(state)
    this.evaluator.setState(name, this.scope[name])
    this.lists.refresh()
  }
}

const none: never[] = []

/** What expressions see of a query. */
function seenOf(state: QueryState | undefined): Record<string, unknown> {
  const result = state?.result
  const rows = result?.rows ?? none
  return {
    rows,
    // What a resource answers that does not answer in rows.
    data: result && 'data' in result ? result.data : rows,
    meta: result?.meta ?? null,
    columns: result?.columns ?? none,
    row_count: result?.row_count ?? 0,
    affected: result?.affected ?? null,
    truncated: result?.truncated ?? false,
    loading: state?.status === 'loading',
    error: state?.status === 'failed' ? (state.message ?? null) : null,
  }
}
