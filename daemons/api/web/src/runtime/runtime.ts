/**
 * A running app: what its components hold, what its queries gave, and what its bindings are worth.
 *
 * Owns the evaluator and the state that expressions see. It renders nothing: components read its store. The hosted app and
 * the builder's canvas are two hosts of the same runtime. What actions do is in `actions.ts`, which arrives with the first one.
 */
import { createStore } from 'zustand/vanilla'
import { ApiProblem, messageOf } from '../api/problem'
import type { Component, EventHandler, Page, QueryResult, Step } from '../api/types'
import { Evaluator } from '../evaluator/evaluator'
import type { Outcome, Texts } from '../evaluator/protocol'
import { t } from '../messages/messages'
import type { Context } from './actions'
import { type Address, type Parameters, parameterTexts } from './address'
import { Handlers } from './handlers'
import type { RuntimeHost } from './host'
import { type Read, heldValue, isInput, problemOf, stateOf } from './kinds'
import { Lists, type Within } from './lists'
import type { Handle } from './methods'
import { type RuntimeDocument, type RuntimeQuery, initialState, isBoundByServer, modelOf, parameterId } from './model'
import { neededOn } from './needed'
import { type Grid, type Path, around, baseOf, indexesOf, instanceName, isWithin, listsAround, pathTo } from './nesting'
import { type QueryState, type RunOptions, seenOf } from './query-state'
import type { RuntimeState, Shown } from './state'
import { withKept } from './storage'
import { placeOf, tellView } from './told'
import { languageFor, textsOf } from './texts'
import { Timers } from './timers'
import { flagOf, numberOf } from './values'

export type { QueryState, RuntimeHost, RuntimeState, Shown }

/** How a run ended; `stopped`: a newer one took its place. */
type Outcomes = 'done' | 'failed' | 'stopped'

/** Typing is not one query a key. */
const settleMs = 200
/** Actions that follow each other; more are a loop. */
const maxChain = 20
/** What a script may take that does not say. */
const defaultTimeoutMs = 30_000
/** What expressions see of no component or query. */
const ownScopes = new Set(['state', 'localStorage', 'url'])

export class AppRuntime {
  readonly store = createStore<RuntimeState>(() => ({ page: '', shown: {}, components: {}, checked: {}, queries: {}, dependencies: {}, isReady: false }))
  private readonly evaluator = new Evaluator({
    changed: (outcomes) => this.take(outcomes),
    dependencies: (dependencies) => this.store.setState({ dependencies }),
    slow: (slow) => this.host.slow?.(slow),
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
  private address: Address
  private readonly running = new Map<string, AbortController>()
  /** Writes and scripts that are under way, or ask whether they may be. */
  private readonly alone = new Set<string>()
  private readonly settling = new Map<string, ReturnType<typeof setTimeout>>()
  private readonly timers = new Timers()
  private readonly handlers = new Handlers((steps, context) => this.follow(steps, context))
  private needed = new Set<string>()

  constructor(
    public document: RuntimeDocument,
    readonly host: RuntimeHost,
    address: Address = { page: document['home-page'], parameters: {}, hash: '' },
  ) {
    this.address = address
    this.show(address)
  }

  /** Opens a page: its components start afresh, and queries that run by themselves run. */
  openPage(page: string): void {
    this.navigate(page, {})
  }

  navigate(page: string, parameters: Parameters): void {
    const address = { page, parameters, hash: '' }
    this.host.showAddress?.(address, true)
    this.show(address)
  }

  /** Shows what an address says, as when a person goes back. */
  show(address: Address): void {
    for (const timer of this.settling.values()) clearTimeout(timer)
    this.settling.clear()
    this.handlers.clear()
    const { state = {} } = this.document
    const kept = Object.entries(this.scope['state'] ?? {}).filter(([variable]) => variable in state)
    this.address = address
    this.store.setState({ page: address.page, components: {}, checked: {}, shown: {}, isReady: false })
    this.scope = { state: Object.fromEntries(kept), localStorage: this.host.storage.read(), url: this.urlScope() }
    for (const [name, query] of Object.entries(this.document.queries)) this.scope[name] = seenOf(this.store.getState().queries[name], query)
    this.load()
  }

  /** The browser went to another address of the app. Where only what follows the `#` is new, the page stays as it is. */
  revisit(address: Address): void {
    const { page, parameters } = this.address
    if (address.page !== page || JSON.stringify(address.parameters) !== JSON.stringify(parameters)) return this.show(address)
    this.address = address
    this.setScope('url', this.urlScope())
  }

  /** Takes an edited document: what did not change keeps its state. */
  update(document: RuntimeDocument): void {
    const before = this.document
    this.document = document
    for (const [name, query] of Object.entries(document.queries)) {
      const old = before.queries[name]
      this.scope[name] = seenOf(this.store.getState().queries[name], query)
      const isEdited = !old || old.fingerprint !== query.fingerprint || old.run !== query.run
      if (isEdited && query.run !== 'manual' && (query.code === undefined || !old)) this.settle(name)
    }
    this.load()
  }

  hasPage(name: string): boolean {
    return Object.hasOwn(this.document.pages, name)
  }

  /** What expressions see by a name that is no part of the app, such as who looks at it. */
  setGlobal(name: string, value: unknown): void {
    if (JSON.stringify(this.host.globals[name]) === JSON.stringify(value)) return
    this.host.globals[name] = value
    this.load()
  }

  /** What the app says, in the language that it speaks to the person. */
  texts(): Texts {
    const { translations } = this.document
    return textsOf(translations, translations ? languageFor(translations, this.host.languages ?? []) : '')
  }

  setLanguages(languages: readonly string[]): void {
    this.host.languages = languages
    this.load()
  }

  cut(text: string): Promise<{ expressions: string[]; error?: string }> {
    return this.evaluator.cut(text)
  }

  /** What scripts may have a name do. */
  methodsOf(name: string): readonly string[] {
    return modelOf(this.document, this.store.getState().page, {}).methods[name] ?? []
  }

  /** What expressions see now, by name, but for what bindings give. */
  seen(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
    return this.scope
  }

  /** What a text is worth now. */
  async preview(template: unknown): Promise<Shown> {
    const { text } = await this.evaluator.evaluate({ text: template }, {}, noLocals)
    return text ? this.resolve(text) : { error: 'The text could not be evaluated.' }
  }

  /** What code is worth now. */
  async previewCode(code: string): Promise<Shown> {
    const { code: outcome } = await this.evaluator.evaluate({}, { code }, noLocals)
    return outcome ? this.resolve(outcome) : { error: 'The code could not be evaluated.' }
  }

  /** What a person did to a component. */
  setComponent(name: string, values: Record<string, unknown>): void {
    // What stands in a list is seen by way of the list alone.
    const isInstance = baseOf(name).path !== ''
    if (!isInstance) this.scope[name] = { ...this.scope[name], ...values }
    this.store.setState(({ components }) => ({ components: { ...components, [name]: { ...components[name], ...values } } }))
    if (!isInstance) this.evaluator.setState(name, this.scope[name] ?? {})
    this.lists.refresh()
  }

  setVariable(variable: string, value: unknown): void {
    this.setScope('state', { ...this.scope['state'], [variable]: { value } })
  }

  /** Back to what the variable is at first. */
  resetVariable(variable: string): void {
    const { [variable]: _, ...others } = this.scope['state'] ?? {}
    this.setScope('state', others)
  }

  /** Keeps a value in the browser; null forgets it. True when it worked, which is said otherwise. */
  keep(key: string, value: unknown): boolean {
    const problem = this.keptProblem(key, value)
    if (problem !== undefined) this.host.notify(problem, 'error')
    return problem === undefined
  }

  keptProblem(key: string, value: unknown): string | undefined {
    const kept = withKept(this.host.storage.read(), key, value)
    const problem = this.host.storage.write(kept)
    if (problem === undefined) this.setScope('localStorage', kept)
    return problem
  }

  /** Sets parameters of the address; one without a value is removed. The page stays. */
  setUrl(parameters: Record<string, unknown>, hash: string | undefined): void {
    this.address = { ...this.address, parameters: parameterTexts({ ...this.address.parameters, ...parameters }), hash: hash ?? this.address.hash }
    this.host.showAddress?.(this.address, false)
    this.setScope('url', this.urlScope())
  }

  isQuery(name: string): boolean {
    return name in this.document.queries
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
      if (baseOf(input).path !== '') continue
      const component = this.componentOf(input)
      this.setScope(input, component ? initialState(component) : {})
    }
    this.lists.refresh()
  }

  /** Sends a form, when nothing is wrong with its inputs: its `data` is theirs, and its `submit` happens. */
  async submit(form: string): Promise<'invalid' | 'failed' | 'sent'> {
    if (!this.isFilledIn(form)) return 'invalid'
    const data: Record<string, unknown> = {}
    const depth = indexesOf(baseOf(form).path).length
    for (const name of this.inputsWithin(form)) {
      if (this.isHidden(name)) continue
      // What is in a list in the form is the list's; a form in an item has the inputs of that item.
      const [place] = this.lists.placesOf(name).slice(depth)
      if (place) data[baseOf(place.list).base] = this.store.getState().components[place.list]?.values ?? []
      else data[baseOf(name).base] = heldValue(this.componentOf(name)?.type ?? '', this.store.getState().components[name], this.reader(name))
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
      const held = this.store.getState().components[name]
      if (problemOf(kind, heldValue(kind, held, read), read, held) !== undefined) isValid = false
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

  /** An event of a component: its handlers run in order. `detail` is what they read as `event`. False when one failed, or was called off. */
  async trigger(component: string, event: string, detail: Record<string, unknown> = {}): Promise<boolean> {
    const handlers = this.componentOf(component)?.events ?? []
    const within: Within = {}
    for (const { list, item, index } of handlers.length > 0 ? this.lists.placesOf(component) : []) {
      this.setComponent(list, { item, index })
      within[baseOf(list).base] = { item, index }
    }
    return this.happen(handlers, component, event, detail, within)
  }

  /** Runs a query or a script, after its question; true when it succeeded. */
  async runQuery(name: string, options: RunOptions = {}): Promise<boolean> {
    const { chain = 0, args = {}, within, isAutomatic = false } = options
    const query = this.document.queries[name]
    if (!query) return false
    if (chain > maxChain) {
      this.host.notify(`${maxChain} actions followed each other: ${name} leads to itself.`, 'error')
      return false
    }
    if (query['is-allowed'] === false) {
      const message = t('You do not have permission to run this query.')
      this.setQuery(name, { status: 'failed', message })
      if (!isAutomatic) this.host.notify(message, 'error')
      return false
    }
    if (isAutomatic && query['delay-ms']) await this.pause(name, query['delay-ms'])
    // From its question on, so that of two clicks one writes: what is under way is never sent twice, nor given up.
    const isAlone = query.mode === 'write' || query.code !== undefined
    if (isAlone && this.alone.has(name)) {
      if (!isAutomatic && !options.isQuiet) this.host.notify(t('{name} is still running, so it was not run again.', { name }), 'warning')
      return false
    }
    if (isAlone) this.alone.add(name)
    const begun = performance.now()
    const outcome = await this.attempt(name, query, options).finally(() => this.alone.delete(name))
    if (outcome === 'waiting' || outcome === 'refused') return false
    const context = { chain: chain + 1, locals: { args, ...within }, within }
    const message = this.store.getState().queries[name]?.message
    this.host.trace?.({ kind: query.code === undefined ? 'query' : 'script', name, text: isAutomatic ? 'ran by itself' : 'ran', ms: performance.now() - begun, ...(outcome === 'failed' ? { error: message ?? 'failed' } : {}) })
    if (outcome === 'stopped') return false
    if (outcome === 'failed') {
      if (query['on-failure']?.length) await this.follow(query['on-failure'], context)
      else if (!isAutomatic && !options.isQuiet && query.run === 'manual') this.host.notify(message ?? t('{name} failed.', { name }), 'error')
      return false
    }
    for (const other of query.refresh ?? []) void this.runQuery(other, { chain: chain + 1, isAutomatic: true })
    await this.follow(query['on-success'] ?? [], context)
    return true
  }

  private async attempt(name: string, query: RuntimeQuery, options: RunOptions): Promise<Outcomes | 'waiting' | 'refused'> {
    const locals = { args: options.args ?? {}, ...options.within }
    if (query.when && !(await this.isTrue(query.when, locals))) return 'refused'
    if (query.confirm) {
      const question = await this.textOf(query.confirm, locals)
      if (question === undefined || !(await this.host.confirm(question))) return 'refused'
    }
    return query.code === undefined ? this.ask(name, query, options) : this.runScript(name, query, options)
  }

  /** Forgets what a query gave. */
  clearQuery(name: string): void {
    this.running.get(name)?.abort()
    this.setQuery(name, { status: 'idle' })
  }

  /** The values of expressions now, for a query that is not part of the document yet. */
  async valuesOf(expressions: string[], locals: Record<string, unknown> = { args: {} }): Promise<{ values: Record<string, unknown>; missing?: string }> {
    const asked = expressions.filter((expression) => !isBoundByServer(expression))
    const outcomes = await this.evaluator.evaluate({}, Object.fromEntries(asked.map((expression) => [expression, expression])), locals)
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
    this.handlers.clear()
    this.timers.close()
    this.evaluator.close()
  }

  componentOf(name: string): Component | undefined {
    return this.page().components?.[baseOf(name).base]
  }

  /** A component, as its methods see it. */
  handle(name: string, within?: Within): Handle {
    const target = this.targetOf(name, within)
    return {
      name,
      read: this.reader(target),
      held: () => this.store.getState().components[target] ?? {},
      set: (values) => this.setComponent(target, values),
      reset: () => this.reset(target),
      submit: () => this.submit(target),
      validate: (grid) => this.isFilledIn(target, grid),
      trigger: (event, detail) => this.trigger(target, event, detail),
      tell: (what, ...given) => tellView(placeOf(name), what, given),
      element: () => placeOf(name),
    }
  }

  /** The values of texts now; nothing, and a message, when one has none. */
  async evaluated(texts: Record<string, unknown>, locals: Record<string, unknown>): Promise<Record<string, unknown> | undefined> {
    if (Object.keys(texts).length === 0) return {}
    const outcomes = await this.evaluator.evaluate(texts, {}, locals)
    const values: Record<string, unknown> = {}
    for (const [key, outcome] of Object.entries(outcomes)) {
      const shown = this.resolve(outcome)
      if ('error' in shown) {
        this.host.notify(shown.error, 'error')
        return undefined
      }
      values[key] = shown.value
    }
    return values
  }

  private load(): void {
    const { page, components } = this.store.getState()
    for (const [name, component] of Object.entries(this.document.pages[page]?.components ?? {})) {
      this.scope[name] = { ...initialState(component), ...components[name] }
    }
    const isDefined = (name: string) => ownScopes.has(name) || name in this.document.queries || name in (this.document.pages[page]?.components ?? {})
    for (const name of Object.keys(this.scope)) if (!isDefined(name)) delete this.scope[name]
    this.needed = this.host.runsAll ? new Set(Object.keys(this.document.queries)) : neededOn(this.document, page)
    this.setTimers()
    this.evaluator.load(modelOf(this.document, page, this.host.globals, this.texts()), this.scope)
  }

  private setTimers(): void {
    const repeated = Object.entries(this.document.queries).filter(([name, query]) => query['every-seconds'] && this.needed.has(name))
    this.timers.set(Object.fromEntries(repeated.map(([name, query]) => [name, { everyMs: (query['every-seconds'] ?? 1) * 1000, run: () => this.repeat(name) }])))
  }

  /** A timer starts no second run beside one that is under way. */
  private repeat(name: string): void {
    if (!this.running.has(name)) void this.runQuery(name, { isAutomatic: true })
  }

  private take(outcomes: Record<string, Outcome>): void {
    const { isReady: wasReady, page } = this.store.getState()
    const shown: Record<string, Shown> = {}
    for (const [id, outcome] of Object.entries(outcomes)) shown[id] = this.resolve(outcome)
    this.store.setState((state) => ({ isReady: true, shown: { ...state.shown, ...shown } }))
    this.lists.refresh()
    for (const [name, query] of Object.entries(this.document.queries)) {
      if (query.run === 'manual' || !this.needed.has(name)) continue
      if (!wasReady) void this.runQuery(name, { isAutomatic: true })
      else if (query.run !== 'load' && query.expressions.some((expression) => parameterId(name, expression) in outcomes)) this.settle(name)
    }
    if (!wasReady) void this.happen(this.document.pages[page]?.events ?? [], page, 'open', {})
  }

  private resolve(outcome: Outcome): Shown {
    if ('same' in outcome) return { value: this.scope[outcome.same[0]]?.[outcome.same[1]] }
    return outcome
  }

  private settle(name: string): void {
    clearTimeout(this.settling.get(name))
    this.settling.set(name, setTimeout(() => void this.runQuery(name, { isAutomatic: true }), settleMs))
  }

  /** Lets time pass before a query; a newer pause of the same query takes its place. */
  private pause(name: string, ms: number): Promise<void> {
    clearTimeout(this.settling.get(name))
    return new Promise((resolve) => this.settling.set(name, setTimeout(resolve, ms)))
  }

  private async happen(handlers: EventHandler[], name: string, event: string, detail: Record<string, unknown>, within?: Within): Promise<boolean> {
    const about = handlers.filter((handler) => handler.on === event)
    if (about.length === 0) return true
    this.host.trace?.({ kind: 'event', name, text: event })
    return this.handlers.happen(about, name, { chain: 0, locals: { event: detail, args: {}, ...within }, within })
  }

  /** Performs actions in their order. False when one failed, or was called off. */
  private async follow(steps: Step[], context: Context): Promise<boolean> {
    if (steps.length === 0) return true
    let isDone = true
    const { perform } = await import('./actions')
    for (const step of steps) {
      if (step.when && !(await this.isTrue(step.when, context.locals))) continue
      const begun = performance.now()
      const error = await perform(this, step, context).then(
        (worked) => (worked ? undefined : 'did not work'),
        (problem: unknown) => {
          this.host.notify(messageOf(problem), 'error')
          return messageOf(problem)
        },
      )
      if (error !== undefined) isDone = false
      if (step.do !== 'run-query') this.host.trace?.({ kind: 'action', name: 'component' in step ? step.component : '', text: step.do, ms: performance.now() - begun, ...(error === undefined ? {} : { error }) })
    }
    return isDone
  }

  private async isTrue(template: string, locals: Record<string, unknown>): Promise<boolean> {
    const outcome = await this.evaluator.evaluate({ when: template }, {}, locals)
    const shown = outcome['when'] && this.resolve(outcome['when'])
    // What reads something that is not there yet does not hold.
    return shown !== undefined && 'value' in shown && flagOf(shown.value)
  }

  private setScope(name: string, values: Record<string, unknown>): void {
    this.scope[name] = values
    this.evaluator.setState(name, values)
    this.lists.refresh()
  }

  private urlScope(): Record<string, unknown> {
    const { page, parameters, hash } = this.address
    return { page, parameters, hash }
  }

  /** The input of this name, or the inputs that stand in what has it. */
  private inputsWithin(name: string, grid: Grid = {}): string[] {
    return this.within(name, grid, isInput)
  }

  private within(name: string, grid: Grid, isWanted: (kind: string) => boolean): string[] {
    const { components = {}, layout = {} } = this.page()
    const { base, path } = baseOf(name)
    const found = Object.keys(components).filter((input) => isWanted(components[input]?.type ?? '') && (input === base || isWithin(layout, input, { parent: base, ...grid })))
    return found.flatMap((input) => this.lists.instances(input, path))
  }

  /** Whether it is left out of the page: itself, or with what it stands in. */
  private isHidden(name: string): boolean {
    const page = this.page()
    const { base, path } = baseOf(name)
    return around(page.layout ?? {}, base).some((outer) => flagOf(this.reader(instanceName(outer, pathTo(path, listsAround(page, outer).length)))('hidden')))
  }

  private page(): Page {
    return this.document.pages[this.store.getState().page] ?? {}
  }

  /** What an action is about: of what stands in lists, the one in the items whose handlers run. */
  private targetOf(name: string, within: Within = {}): string {
    const indexOf = (list: string, at: Path) => numberOf((within[list] ?? this.store.getState().components[instanceName(list, at)])?.index) ?? 0
    return instanceName(name, listsAround(this.page(), name).reduce((at, list) => `${at}[${indexOf(list, at)}]`, ''))
  }

  private async textOf(template: string, locals: Record<string, unknown>): Promise<string | undefined> {
    const values = await this.evaluated({ text: template }, locals)
    return values && String(values['text'] ?? '')
  }

  private async ask(name: string, query: RuntimeQuery, { args = {}, within, isAutomatic = false }: RunOptions): Promise<Outcomes | 'waiting'> {
    const parameters = await this.parametersOf(name, query.expressions, isAutomatic || query.run !== 'manual', { args, ...within })
    if (parameters) return this.execute(name, (signal) => this.host.runQuery(name, parameters, signal))
    return this.store.getState().queries[name]?.status === 'waiting' ? 'waiting' : 'failed'
  }

  private async runScript(name: string, query: RuntimeQuery, { chain = 0, args = {}, within }: RunOptions): Promise<Outcomes> {
    const locals = { args, ...within }
    const { called } = await import('./actions')
    const calls = {
      call: (target: string, method: string, given: unknown[]) => called(this, target, method, given, { chain: chain + 1, locals, within }),
      log: (text: string) => this.host.trace?.({ kind: 'log', name, text }),
    }
    return this.execute(name, async () => ({ data: await this.evaluator.runScript(query.code ?? '', locals, query['timeout-ms'] ?? defaultTimeoutMs, calls) }))
  }

  /** Values for a query, or nothing when it must wait or cannot run; its state then says why. */
  private async parametersOf(name: string, expressions: string[], isAutomatic: boolean, locals: Record<string, unknown>): Promise<Record<string, unknown> | undefined> {
    if (isAutomatic) {
      const fault = expressions.map((expression) => this.store.getState().shown[parameterId(name, expression)]).find((shown) => shown && 'error' in shown && shown.isFault)
      if (fault && 'error' in fault) {
        this.setQuery(name, { status: 'failed', message: fault.error })
        return undefined
      }
    }
    const { values, missing } = await this.valuesOf(expressions, locals)
    if (missing === undefined) return values
    this.setQuery(name, { status: isAutomatic ? 'waiting' : 'failed', message: missing })
    return undefined
  }

  private async execute(name: string, run: (signal: AbortSignal) => Promise<QueryResult | { data: unknown }>): Promise<Outcomes> {
    this.running.get(name)?.abort()
    const controller = new AbortController()
    this.running.set(name, controller)
    const previous = this.store.getState().queries[name]?.result
    this.setQuery(name, { status: 'loading', ...(previous ? { result: previous } : {}) })
    try {
      const result = await run(controller.signal)
      if (this.running.get(name) !== controller) return 'stopped'
      this.setQuery(name, { status: 'done', result: result as QueryResult })
      return 'done'
    } catch (error) {
      if (controller.signal.aborted) return 'stopped'
      const position = error instanceof ApiProblem ? error.position : undefined
      this.setQuery(name, { status: 'failed', message: messageOf(error), ...(position === undefined ? {} : { position }) })
      return 'failed'
    } finally {
      if (this.running.get(name) === controller) this.running.delete(name)
    }
  }

  private setQuery(name: string, state: QueryState): void {
    this.store.setState(({ queries }) => ({ queries: { ...queries, [name]: state } }))
    this.setScope(name, seenOf(state, this.document.queries[name]))
  }
}

/** What texts see that nobody runs yet. */
const noLocals = { args: {}, event: {} }
