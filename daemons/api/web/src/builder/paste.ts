/** Pastes components into a page: of this app, or of another one. The text is somebody's: nothing in it is taken on trust. */
import type { Draft } from 'immer'
import type { Action, AppDocument, Component, GridRect } from '../api/types'
import type { Grid } from '../runtime/nesting'
import type { Clip } from './clipboard'
import { type Rename, allNames, freeName, retargeted, rewriteTexts, stateNames } from './edits'
import { columns, freeSpot, place } from './layout'

const maxCharacters = 2_000_000
const maxComponents = 500
const maxHeight = 500
const maxRow = 10_000

type Json = Record<string, unknown>

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The components in a text; nothing when it is another text, or one that was made to harm. */
export function parseClip(text: string): Clip | undefined {
  if (text.length > maxCharacters || !text.trimStart().startsWith('{')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isJson(value) || value.bulkhead !== 'components' || value.version !== 1 || !isJson(value.components) || !isJson(value.layout)) return undefined
  const names = Object.keys(value.components)
  if (names.length === 0 || names.length > maxComponents) return undefined
  const clip: Clip = { bulkhead: 'components', version: 1, components: {}, layout: {} }
  for (const name of names) {
    const component = componentOf(value.components[name])
    const rect = rectOf(value.layout[name], names)
    if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name) || !component || !rect || rect.parent === name) return undefined
    clip.components[name] = component
    clip.layout[name] = rect
  }
  return isTree(clip.layout) ? clip : undefined
}

function componentOf(value: unknown): Component | undefined {
  if (!isJson(value) || typeof value.type !== 'string' || !/^[a-z][a-z0-9-]{0,39}$/.test(value.type)) return undefined
  if (value.properties !== undefined && !isJson(value.properties)) return undefined
  const events = value.events ?? []
  if (!Array.isArray(events) || !events.every((handler) => isJson(handler) && typeof handler.on === 'string' && isJson(handler.action) && typeof handler.action.do === 'string')) return undefined
  const names = typeof value.class === 'string' && /^[\w\s-]{1,200}$/.test(value.class) ? { class: value.class } : {}
  return { type: value.type, ...names, properties: value.properties ?? {}, ...(events.length > 0 ? { events: events as NonNullable<Component['events']> } : {}) }
}

function rectOf(value: unknown, names: readonly string[]): GridRect | undefined {
  if (!isJson(value)) return undefined
  const { column, row, width, height, parent, slot } = value
  const isWhole = (number: unknown, least: number, most: number): number is number => Number.isInteger(number) && Number(number) >= least && Number(number) <= most
  if (!isWhole(column, 0, columns - 1) || !isWhole(row, 0, maxRow) || !isWhole(width, 1, columns - column) || !isWhole(height, 1, maxHeight)) return undefined
  if (parent === undefined || parent === null) return { column, row, width, height }
  if (typeof parent !== 'string' || !names.includes(parent) || (slot !== undefined && slot !== null && typeof slot !== 'string')) return undefined
  return { column, row, width, height, parent, ...(slot ? { slot } : {}) }
}

/** Whether nothing stands in itself. */
function isTree(layout: Record<string, GridRect>): boolean {
  return Object.keys(layout).every((name) => {
    let at: string | null | undefined = name
    for (let depth = 0; at; depth += 1) {
      if (depth > maxComponents) return false
      at = layout[at]?.parent
    }
    return true
  })
}

/** Adds the components below everything on a grid, under names of their own; the names of those that stand on the grid itself. */
export function pasteClip(document: Draft<AppDocument>, page: string, clip: Clip, grid: Pick<Grid, 'parent' | 'slot'>, rename: Rename): string[] {
  const target = document.pages[page]
  if (!target) return []
  const components = (target.components ??= {})
  const layout: Record<string, GridRect> = { ...target.layout }
  const names: Record<string, string> = {}
  for (const [name, component] of Object.entries(clip.components)) {
    const own = freeName(document, allNames(document).has(name) ? name.replace(/\d+$/, '') || name : name)
    names[name] = own
    components[own] = structuredClone(component)
  }
  const top = Object.entries(clip.layout).filter(([, rect]) => !rect.parent)
  const [left, upper] = [Math.min(...top.map(([, rect]) => rect.column)), Math.min(...top.map(([, rect]) => rect.row))]
  const spot = freeSpot(layout, { width: 1, height: 1 }, grid)
  const placed: Record<string, GridRect> = {}
  for (const [name, rect] of Object.entries(clip.layout)) {
    const own = names[name] ?? name
    const around = rect.parent ? { ...rect, parent: names[rect.parent] ?? rect.parent } : { ...rect, ...grid, column: rect.column - left, row: rect.row - upper + spot.row }
    placed[own] = around
  }
  target.layout = place(layout, placed)
  // At once, so that a name that was given away is not renamed again.
  const rewrite = (text: string) => renamedAll(text, names, rename)
  for (const own of Object.values(names)) {
    const component = components[own]
    if (!component) continue
    component.properties = rewriteTexts(component.properties ?? {}, rewrite) as Record<string, unknown>
    const copied = (component.events ?? []).map((handler) => ({ ...handler, action: retargeted(handler.action, names, rewrite), ...(handler.when ? { when: rewrite(handler.when) } : {}) }))
    const events = copied.filter(({ action }) => hasTarget(document, action))
    if (events.length > 0) component.events = events
    else delete component.events
  }
  return top.map(([name]) => names[name] ?? name)
}

/** Every name in turn, by way of names that nothing has: two that change places do not become one. */
function renamedAll(text: string, names: Record<string, string>, rename: Rename): string {
  const changed = Object.entries(names).filter(([from, to]) => from !== to)
  const between = changed.reduce((written, [from], index) => rename(written, from, `pasted__${index}`), text)
  return changed.reduce((written, [, to], index) => rename(written, `pasted__${index}`, to), between)
}

/** Whether what an action is about is in this app: one about a query of another app could not be saved. */
function hasTarget(document: Draft<AppDocument>, action: Action): boolean {
  if ('component' in action && !Object.values(document.pages).some((page) => page.components?.[action.component])) return false
  if ('page' in action && action.do === 'navigate' && !(action.page in document.pages)) return false
  if ('variable' in action && !stateNames(document).has(action.variable)) return false
  return !('query' in action) || action.query in (document.queries ?? {}) || action.query in (document.scripts ?? {})
}
