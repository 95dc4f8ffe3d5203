/** From an app's document to what the evaluator needs to know of it. */
import { type Model, type Texts, emptyModel } from '../evaluator/protocol'
import type { Flow, Page, StateVariable, Transformer, Translations } from '../api/types'
import { methodsOf, stateOf } from './kinds'
import { listsAround } from './nesting'
import { asType } from './values'

/** A query or a script as the runtime sees it: in a hosted app nothing more is known of it. */
export interface RuntimeQuery extends Flow {
  expressions: string[]
  mode?: 'read' | 'write'
  run?: 'automatic' | 'load' | 'manual'
  /** JavaScript that makes its `data` of what the resource answered. */
  transform?: string | null
  /** Of a script: what it does, in the place of a statement. */
  code?: string
  /** Of a script: how long it may take. */
  'timeout-ms'?: number
  /** Whether the person may run it; in a hosted app alone. */
  'is-allowed'?: boolean
  /** Whether all its rows can be exported. */
  'is-exportable'?: boolean
  /** Whether the database cuts its pages, so that all its rows are more than a page. */
  'is-paged'?: boolean
  /** Changes when the query must run again though none of its values changed: its statement was edited. */
  fingerprint?: string
}

export interface RuntimeDocument {
  title: string
  'home-page': string
  pages: Record<string, Page>
  /** Queries, and scripts among them. */
  queries: Record<string, RuntimeQuery>
  transformers?: Record<string, Transformer>
  state?: Record<string, StateVariable>
  translations?: Translations | null
}

/** Expressions that the server binds itself, from the session and its configuration. */
export function isBoundByServer(expression: string): boolean {
  return /^(environment(\.name)?|current_user\.(id|email|name|is_admin))$/.test(expression)
}

export function parameterId(query: string, expression: string): string {
  return `${query}?${expression}`
}

/** The scripts as queries, which is what the rest of the runtime takes them for. */
export function scriptQueries(scripts: Record<string, { code: string; run?: 'load' | 'manual'; 'timeout-ms'?: number } & Flow> = {}): Record<string, RuntimeQuery> {
  return Object.fromEntries(Object.entries(scripts).map(([name, { run = 'manual', ...script }]) => [name, { ...script, run, expressions: [] }]))
}

export function modelOf(document: RuntimeDocument, pageName: string, globals: Record<string, unknown>, texts?: Texts): Model {
  const model: Model = { ...emptyModel(), globals, methods: { url: ['set'], localStorage: ['set', 'remove'] } }
  const page = document.pages[pageName] ?? {}
  for (const [name, component] of Object.entries(page.components ?? {})) {
    model.methods[name] = methodsOf(component.type)
    // What stands in a list is evaluated for each of its items.
    if (listsAround(page, name).length > 0) continue
    const { value, raw } = stateOf(component.type)
    for (const [property, template] of Object.entries(component.properties ?? {})) {
      if (raw?.includes(property)) continue
      const id = `${name}.${property}`
      model.templates[id] = template
      const isDefault = value !== undefined && property === 'default-value'
      model.exposed[isDefault ? `${name}.value` : id] = id
      if (isDefault) model.types[`${name}.value`] = value
    }
  }
  for (const [name, query] of Object.entries(document.queries)) {
    const ids = query.expressions.map((expression) => parameterId(name, expression))
    query.expressions.forEach((expression) => {
      model.expressions[parameterId(name, expression)] = expression
    })
    if (query.run !== 'manual') model.feeds[name] = ids
    model.methods[name] = ['run', 'clear']
    if (query.transform) {
      model.transforms[`${name}.data`] = { query: name, code: query.transform }
      model.exposed[`${name}.data`] = `${name}.data`
    }
  }
  for (const [name, { code }] of Object.entries(document.transformers ?? {})) {
    model.expressions[`${name}.value`] = code
    model.exposed[`${name}.value`] = `${name}.value`
  }
  for (const [name, { initial }] of Object.entries({ ...document.state, ...document.pages[pageName]?.state })) {
    // It stands in an object, so that `state.name.value` reads as a component's value does.
    model.templates[`state.${name}`] = { value: initial ?? null }
    model.exposed[`state.${name}`] = `state.${name}`
  }
  if (texts && !Object.hasOwn(model.methods, 't') && !Object.hasOwn(model.exposed, 't.value')) model.texts = texts
  return model
}

/** What expressions see of a component before anybody touched it. */
export function initialState(component: { type: string; properties?: Record<string, unknown> }): Record<string, unknown> {
  const { initial, initialOf, value } = stateOf(component.type)
  const hasDefault = value === undefined || component.properties?.['default-value'] !== undefined
  return { ...initial, ...initialOf?.(component.properties ?? {}), ...(hasDefault ? {} : { value: asType(value, undefined) }) }
}
