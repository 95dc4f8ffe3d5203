/** Changes of an app's document. Each takes an immer draft. */
import type { Draft } from 'immer'
import type { Action, AppDocument, AppQuery, Component, EventHandler, GridRect, Page } from '../api/types'
import { inModule, moduleOf, ownName } from '../document/module-names'
import { isReserved, nameFault } from '../document/names'
import { type Layout, isWithin } from '../runtime/nesting'
import type { Device } from './canvas-view'
import { place } from './layout'
import { dropStrayPlaces, movePhoneComponents } from './phone-edits'

type Document = Draft<AppDocument>

export function allNames(document: AppDocument): Set<string> {
  const { pages, queries = {}, scripts = {}, transformers = {} } = document
  return new Set([...Object.values(pages).flatMap((page) => Object.keys(page.components ?? {})), ...[queries, scripts, transformers].flatMap(Object.keys)])
}

/** Names that expressions read in every app. */
export const ownNames = new Set(['args', 'current_user', 'environment', 'event', 'localStorage', 'navigate', 'notify', 'state', 'url', 'utils'])

export function stateNames(document: AppDocument): Set<string> {
  return new Set([document.state ?? {}, ...Object.values(document.pages).map((page) => page.state ?? {})].flatMap(Object.keys))
}

/** `table` -> `table`, `table2`, ... */
export function freeName(document: AppDocument, wanted: string): string {
  const taken = allNames(document)
  // Names that begin with that of a module are the module's.
  const base = moduleOf(document, wanted) === undefined ? wanted : wanted.replaceAll('__', '_')
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}${number}`
    if (!taken.has(name) && !ownNames.has(name) && !isReserved(name) && name !== ownName && !begins(document, name)) return name
  }
}

/** Whether a name is the beginning of others, as that of a module is. */
function begins(document: AppDocument, name: string): boolean {
  return [...allNames(document), ...stateNames(document)].some((other) => inModule(other, name))
}

export function nameProblem(document: AppDocument, name: string): string | undefined {
  const fault = nameFault(name)
  if (fault) return fault
  if (ownNames.has(name) || (document.module && name === ownName)) return 'Every app has this name already: choose another one.'
  if (name === 't' && document.translations) return 't reads the texts of the app: choose another name.'
  if (allNames(document).has(name)) return 'Something in this app has this name already.'
  if (begins(document, name)) return `Names in this app begin with ${name}__ already: choose another one.`
  if (moduleOf(document, name) !== undefined) return `What begins with ${moduleOf(document, name)}__ is of that module: choose another name.`
  return undefined
}

export function stateNameProblem(document: AppDocument, name: string): string | undefined {
  const fault = nameFault(name)
  if (fault) return fault
  if (moduleOf(document, name) !== undefined) return `What begins with ${moduleOf(document, name)}__ is of that module: choose another name.`
  return stateNames(document).has(name) ? 'There is a state variable of this name already.' : undefined
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

export function moveComponents(document: Document, page: string, rects: Record<string, GridRect>, device: Device = 'desktop'): void {
  if (device === 'phone') return movePhoneComponents(document, page, rects)
  const target = pageOf(document, page)
  target.layout = place(target.layout, rects)
  dropStrayPlaces(document, page)
}

export function removeComponents(document: Document, page: string, names: string[]): void {
  const target = pageOf(document, page)
  const gone = new Set(names.flatMap((name) => [name, ...namesWithin(target.layout, name)]))
  for (const name of gone) {
    delete target.components[name]
    delete target.layout[name]
    delete document.pages[page]?.['phone-layout']?.[name]
    dropModule(document, name)
  }
  // An action on something that is gone would not be saved.
  keepActions(document, (action) => !('component' in action && gone.has(action.component)))
}

/** What is of a module beside components goes with it. */
function dropModule(document: Document, name: string): void {
  if (!document.modules?.[name]) return
  delete document.modules[name]
  for (const map of [document.queries, document.scripts, document.transformers, document.state]) for (const other of Object.keys(map ?? {})) if (inModule(other, name)) delete map?.[other]
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
    for (const handler of component.events ?? []) {
      handler.action = retargeted(handler.action, names, rewrite)
      if (handler.when) handler.when = rewrite(handler.when)
    }
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

export function setClass(document: Document, page: string, name: string, text: string): void {
  const component = pageOf(document, page).components[name]
  if (!component) return
  if (text.trim() === '') delete component.class
  else component.class = text
}

/** Sets the tabs or steps of a component. Where one got another value, what stands in it stays in it. */
export function setSlots(document: Document, page: string, name: string, key: string, value: unknown): void {
  const { components, layout } = pageOf(document, page)
  const [before, after] = [slotValues(components[name]?.properties?.[key]), slotValues(value)]
  setProperty(document, page, name, key, value)
  if (before.length !== after.length) return
  const renamed = new Map(before.flatMap((slot, index): [string, string][] => (after[index] === undefined || after[index] === slot || after.includes(slot) ? [] : [[slot, after[index]]])))
  for (const rect of [...Object.values(layout), ...Object.values(document.pages[page]?.['phone-layout'] ?? {})]) {
    const to = rect.parent === name && rect.slot ? renamed.get(rect.slot) : undefined
    if (to) rect.slot = to
  }
}

/** The values of options that are written down; none where an expression gives them. */
function slotValues(options: unknown): string[] {
  if (!Array.isArray(options)) return []
  return options.map((option: unknown) => String(typeof option === 'object' && option !== null && 'value' in option ? option.value : option))
}

export function setEvents(document: Document, page: string, name: string, events: EventHandler[]): void {
  const component = pageOf(document, page).components[name]
  if (component) component.events = events
}

export function addQuery(document: Document, name: string, query: AppQuery): void {
  document.queries = { ...document.queries, [name]: query }
}

/** The tables that ask for their rows page by page. */
export function pagedTables(document: AppDocument): string[] {
  const components = Object.values(document.pages).flatMap((page) => Object.entries(page.components ?? {}))
  return components.filter(([, { type, properties }]) => type === 'table' && properties?.['paging'] === 'server').map(([name]) => name)
}

/** The page that a table asks for. */
export function pagesFor(table: string): { size: string; offset: string } {
  return { size: `${table}.pageSize`, offset: `${table}.offset` }
}

/** Removes a query or a script, and what runs it. */
export function removeQuery(document: Document, name: string): void {
  delete document.queries?.[name]
  delete document.scripts?.[name]
  keepActions(document, (action) => !(action.do === 'run-query' && action.query === name))
  for (const flow of [...Object.values(document.queries ?? {}), ...Object.values(document.scripts ?? {})]) {
    if (flow.refresh) flow.refresh = flow.refresh.filter((other) => other !== name)
  }
}

/** Removes a state variable of the app or of a page, and what sets it. */
export function removeState(document: Document, name: string): void {
  delete document.state?.[name]
  for (const page of Object.values(document.pages)) delete page.state?.[name]
  keepActions(document, (action) => !(action.do === 'set-state' && action.variable === name))
}

/** Leaves only the actions that `keeps` keeps, wherever they stand. */
function keepActions(document: Document, keeps: (action: Action) => boolean): void {
  const handlers = (of: { events?: EventHandler[] | undefined }) => {
    if (of.events) of.events = of.events.filter((handler) => keeps(handler.action))
  }
  for (const page of Object.values(document.pages)) {
    handlers(page)
    for (const component of Object.values(page.components ?? {})) handlers(component)
  }
  for (const flow of [...Object.values(document.queries ?? {}), ...Object.values(document.scripts ?? {})]) {
    for (const key of ['on-success', 'on-failure'] as const) if (flow[key]) flow[key] = flow[key].filter(keeps)
  }
}

/** An action of a copy: about the copies of what was copied with it. */
export function retargeted(action: Action, names: Record<string, string>, rewrite: (text: string) => string): Action {
  const target = 'component' in action ? { component: names[action.component] ?? action.component } : {}
  return { ...(rewriteTexts(action, rewrite) as Action), ...target }
}

export function rewriteTexts(value: unknown, rewrite: (text: string) => string): unknown {
  if (typeof value === 'string') return rewrite(value)
  if (Array.isArray(value)) return value.map((item) => rewriteTexts(item, rewrite))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewriteTexts(item, rewrite)]))
  return value
}
