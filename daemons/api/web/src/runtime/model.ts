/** From an app's document to what the evaluator needs to know of it. */
import type { Model } from '../evaluator/protocol'
import type { Action, Page } from '../api/types'
import { stateOf } from './kinds'
import { listAround } from './nesting'
import { asType } from './values'

/** A query as the runtime sees it: in a hosted app nothing more is known of it. */
export interface RuntimeQuery {
  expressions: string[]
  mode?: 'read' | 'write'
  run?: 'automatic' | 'manual'
  confirm?: string | null
  'on-success'?: Action[]
  /** Changes when the query must run again though none of its values changed: its statement was edited. */
  fingerprint?: string
}

export interface RuntimeDocument {
  title: string
  'home-page': string
  pages: Record<string, Page>
  queries: Record<string, RuntimeQuery>
}

/** Expressions that the server binds itself, from the session and its configuration. */
export function isBoundByServer(expression: string): boolean {
  return /^(environment|current_user\.(id|email|name|is_admin))$/.test(expression)
}

export function parameterId(query: string, expression: string): string {
  return `${query}?${expression}`
}

export function modelOf(document: RuntimeDocument, pageName: string, globals: Record<string, unknown>): Model {
  const model: Model = { globals, templates: {}, expressions: {}, exposed: {}, types: {}, feeds: {} }
  const page = document.pages[pageName] ?? {}
  for (const [name, component] of Object.entries(page.components ?? {})) {
    // What stands in a list is evaluated for each of its items.
    if (listAround(page, name) !== undefined) continue
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
  }
  return model
}

/** What expressions see of a component before anybody touched it. */
export function initialState(component: { type: string; properties?: Record<string, unknown> }): Record<string, unknown> {
  const { initial, initialOf, value } = stateOf(component.type)
  const hasDefault = value === undefined || component.properties?.['default-value'] !== undefined
  return { ...initial, ...initialOf?.(component.properties ?? {}), ...(hasDefault ? {} : { value: asType(value, undefined) }) }
}
