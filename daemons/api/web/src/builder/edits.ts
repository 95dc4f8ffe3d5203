/** Changes of an app's document. Each takes an immer draft. */
import type { Draft } from 'immer'
import type { AppDocument, AppQuery, Component, GridRect, Page } from '../api/types'
import { rewrittenAsk } from '../document/query-ask'
import { type Layout, isWithin } from '../runtime/nesting'
import { place } from './layout'

type Document = Draft<AppDocument>

export function allNames(document: AppDocument): Set<string> {
  return new Set([...Object.values(document.pages).flatMap((page) => Object.keys(page.components ?? {})), ...Object.keys(document.queries ?? {})])
}

/** `table` -> `table`, `table2`, ... */
export function freeName(document: AppDocument, base: string): string {
  const taken = allNames(document)
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}${number}`
    if (!taken.has(name)) return name
  }
}

export function nameProblem(document: AppDocument, name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name)) return 'Use a letter, then letters, digits or _.'
  if (allNames(document).has(name)) return 'Something in this app has this name already.'
  return undefined
}

function pageOf(document: Document, page: string): Draft<Required<Pick<Page, 'components' | 'layout'>>> {
  const found = (document.pages[page] ??= {})
  found.components ??= {}
  found.layout ??= {}
  return found as Draft<Required<Pick<Page, 'components' | 'layout'>>>
}

export function addComponent(document: Document, page: string, name: string, component: Component, rect: GridRect): void {
  const target = pageOf(document, page)
  target.components[name] = component
  target.layout = place(target.layout, { [name]: rect })
}

export function moveComponents(document: Document, page: string, rects: Record<string, GridRect>): void {
  const target = pageOf(document, page)
  target.layout = place(target.layout, rects)
}

export function removeComponents(document: Document, page: string, names: string[]): void {
  const target = pageOf(document, page)
  const gone = new Set(names.flatMap((name) => [name, ...namesWithin(target.layout, name)]))
  for (const name of gone) {
    delete target.components[name]
    delete target.layout[name]
  }
  // An action on something that is gone would not be saved.
  forEachActions(document, (actions) => actions.filter((action) => !('component' in action && gone.has(action.component))))
}

/** The components that stand in one, at any depth. */
export function namesWithin(layout: Layout, name: string): string[] {
  return Object.keys(layout).filter((other) => isWithin(layout, other, { parent: name }))
}

/** Rewrites the references in a text from one name to another. */
export type Rename = (text: string, from: string, to: string) => string

/** A copy of a component and all that stands in it, below the original; the copy's name. What was copied refers to its copies. */
export function duplicateComponent(document: Document, page: string, name: string, rename: Rename): string | undefined {
  const { components, layout } = pageOf(document, page)
  const rect = layout[name]
  if (!components[name] || !rect) return undefined
  const names: Record<string, string> = {}
  for (const original of [name, ...namesWithin(layout, name)]) {
    const [component, place] = [components[original], layout[original]]
    if (!component || !place) continue
    const copy = freeName(document, original.replace(/\d+$/, ''))
    names[original] = copy
    components[copy] = JSON.parse(JSON.stringify(component)) as Component
    layout[copy] = { ...place }
  }
  for (const copy of Object.values(names)) {
    const place = layout[copy]
    const parent = place?.parent ? names[place.parent] : undefined
    if (place && parent) place.parent = parent
  }
  const rewrite = (text: string) => Object.entries(names).reduce((written, [original, copy]) => rename(written, original, copy), text)
  for (const copy of Object.values(names)) {
    const component = components[copy]
    if (!component) continue
    component.properties = rewriteTexts(component.properties ?? {}, rewrite) as Record<string, unknown>
    for (const handler of component.events ?? []) handler.action = retargeted(handler.action, names, rewrite)
  }
  const copy = names[name]
  if (copy) moveComponents(document, page, { [copy]: { ...rect, row: rect.row + rect.height } })
  return copy
}

export function setProperty(document: Document, page: string, name: string, key: string, value: unknown): void {
  const component = pageOf(document, page).components[name]
  if (!component) return
  component.properties ??= {}
  if (value === undefined || value === '') delete component.properties[key]
  else component.properties[key] = value
}

export function addQuery(document: Document, name: string, query: AppQuery): void {
  document.queries = { ...document.queries, [name]: query }
}

export function removeQuery(document: Document, name: string): void {
  delete document.queries?.[name]
  forEachActions(document, (actions) => actions.filter((action) => !(action.do === 'run-query' && action.query === name)))
}

/** Renames a component or query: its key, the actions that name it, and, by `rewrite`, the expressions that read it. */
export function renameEverywhere(document: Document, from: string, to: string, rewrite: (text: string) => string): void {
  const renamed = <T>(map: Record<string, T>): Record<string, T> => Object.fromEntries(Object.entries(map).map(([key, value]) => [key === from ? to : key, value]))
  for (const page of Object.values(document.pages)) {
    page.components = renamed(page.components ?? {})
    page.layout = renamed(page.layout ?? {})
    for (const rect of Object.values(page.layout)) if (rect.parent === from) rect.parent = to
    for (const component of Object.values(page.components)) component.properties = rewriteTexts(component.properties ?? {}, rewrite) as Record<string, unknown>
  }
  document.queries = renamed(document.queries ?? {})
  for (const query of Object.values(document.queries)) {
    // An expression that stands alone is rewritten as one in a text is.
    Object.assign(query, rewrittenAsk(query, rewrite, (source) => rewrite(`{{${source}}}`).slice(2, -2)))
    if (query.confirm) query.confirm = rewrite(query.confirm)
  }
  forEachActions(document, (actions) =>
    actions.map((action) => {
      switch (action.do) {
        case 'run-query':
          return action.query === from ? { ...action, query: to } : action
        case 'set-value':
          return { ...action, component: action.component === from ? to : action.component, value: rewrite(action.value) }
        case 'reset':
        case 'open':
        case 'close':
          return action.component === from ? { ...action, component: to } : action
        case 'notify':
          return { ...action, message: rewrite(action.message) }
      }
    }),
  )
}

type Actions = NonNullable<AppQuery['on-success']>

function forEachActions(document: Document, change: (actions: Actions) => Actions): void {
  for (const page of Object.values(document.pages)) {
    for (const component of Object.values(page.components ?? {})) {
      if (component.events) component.events = component.events.flatMap((handler) => change([handler.action]).map((action) => ({ ...handler, action })))
    }
  }
  for (const query of Object.values(document.queries ?? {})) {
    if (query['on-success']) query['on-success'] = change(query['on-success'])
  }
}

/** An action of a copy: about the copies of what was copied with it. */
function retargeted(action: Actions[number], names: Record<string, string>, rewrite: (text: string) => string): Actions[number] {
  const target = 'component' in action ? { component: names[action.component] ?? action.component } : {}
  return { ...(rewriteTexts(action, rewrite) as Actions[number]), ...target }
}

function rewriteTexts(value: unknown, rewrite: (text: string) => string): unknown {
  if (typeof value === 'string') return rewrite(value)
  if (Array.isArray(value)) return value.map((item) => rewriteTexts(item, rewrite))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewriteTexts(item, rewrite)]))
  return value
}
