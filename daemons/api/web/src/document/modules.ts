/**
 * Modules in an app. A module's release is put into the app's document whole, under names that begin with that of its component:
 * `card__title` is `title` of the module at `card`, and what the module reads as `module.customer` is read as `card.customer`. So two
 * of the same module never meet, and whatever runs an app needs to know nothing of modules.
 */
import type { AppDocument, Component, GridRect, ModulePorts, ModuleUse, Page } from '../api/types'
import { inModule, ownName } from './module-names'
import { renamedIn } from './rename-everywhere'

const longestName = 63

/** A release of a module. */
export interface ModuleRelease {
  module: string
  version: number
  document: AppDocument
}

type Maps = Pick<AppDocument, 'queries' | 'scripts' | 'transformers' | 'state'>
const parts = ['queries', 'scripts', 'transformers', 'state'] as const

export class ModuleError extends Error {}

/** The module's own page. */
function pageOf(document: AppDocument): Page {
  return document.pages[document['home-page']] ?? {}
}

/** As wide as it was built, with all of its rows and what is around them. */
export function sizeOf(document: AppDocument): { width: number; height: number } {
  const places = Object.values(pageOf(document).layout ?? {}).filter((rect) => !rect.parent)
  return { width: 24, height: 1 + Math.max(1, ...places.map(({ row, height }) => row + height)) }
}

/** Why a module cannot stand in the app or module `slug`; nothing when it can. */
export function circleOf({ module, document }: ModuleRelease, slug: string): string | undefined {
  if (module === slug) return `${module} cannot stand in itself.`
  const within = Object.values(document.modules ?? {}).some((used) => used.module === slug)
  return within ? `${module} has ${slug} in it, which would then stand in itself.` : undefined
}

/** The app with the module at `instance`. What is given to it, and what its events do, stays as it was where the release still has it. */
export function withModule(app: AppDocument, page: string, instance: string, release: ModuleRelease, rect: GridRect): AppDocument {
  const before = app.pages[page]?.components?.[instance]
  const document = scoped(release.document, instance)
  const inner = pageOf(document)
  const ports = document.module ?? {}
  const use: ModuleUse = { module: release.module, version: release.version, ports: release.document.module ?? {} }
  const cleared = withoutParts(app, page, instance)
  const target = cleared.pages[page] ?? {}
  const layout = Object.fromEntries(Object.entries(inner.layout ?? {}).map(([name, place]) => [name, place.parent ? place : { ...place, parent: instance }]))
  return {
    ...cleared,
    pages: {
      ...cleared.pages,
      [page]: {
        ...target,
        components: { ...target.components, [instance]: componentOf(ports, before), ...inner.components },
        layout: { ...target.layout, [instance]: rect, ...layout },
      },
    },
    ...merged(cleared, document),
    modules: { ...cleared.modules, [instance]: use, ...document.modules },
  }
}

/** A copy of a module that stands in the app, beside it: the same release, given the same. */
export function copiedModule(app: AppDocument, page: string, instance: string, copy: string, rect: GridRect): AppDocument {
  const own = (name: string) => name === instance || inModule(name, instance)
  const { components = {}, layout = {} } = app.pages[page] ?? {}
  const only = <Value>(map: Record<string, Value> | null | undefined) => Object.fromEntries(Object.entries(map ?? {}).filter(([name]) => own(name)))
  const taken: AppDocument = { format: 1, title: '', 'home-page': page, pages: { [page]: { components: only(components), layout: only(layout) } }, modules: only(app.modules), queries: only(app.queries), scripts: only(app.scripts), transformers: only(app.transformers), state: only(app.state) }
  const names = (map: object | null | undefined) => Object.keys(map ?? {}).map((name): [string, string] => [name, checked(copy + name.slice(instance.length))])
  const { queries, scripts, transformers } = taken
  const renamed = renamedIn(taken, new Map([taken.pages[page]?.components, queries, scripts, transformers].flatMap(names)), new Map(names(taken.state)))
  const made = pageOf(renamed)
  const target = app.pages[page] ?? {}
  return {
    ...app,
    pages: { ...app.pages, [page]: { ...target, components: { ...target.components, ...made.components }, layout: { ...target.layout, ...made.layout, [copy]: rect } } },
    ...merged(app, renamed),
    modules: { ...app.modules, ...renamed.modules },
  }
}

/** The release with all of its names as they are at the instance. */
function scoped(document: AppDocument, instance: string): AppDocument {
  const names = (map: object | null | undefined) => Object.keys(map ?? {}).map((name): [string, string] => [name, checked(`${instance}__${name}`)])
  const { queries, scripts, transformers, state } = document
  const all = new Map([pageOf(document).components, queries, scripts, transformers].flatMap(names))
  return renamedIn(document, new Map([...all, [ownName, instance]]), new Map(names(state)))
}

function checked(name: string): string {
  if (name.length > longestName) throw new ModuleError(`${name} is longer than ${longestName} characters: give the module's component a shorter name.`)
  return name
}

/** The component: its inputs and outputs are its properties. */
function componentOf({ inputs = {}, outputs = {}, events = {} }: ModulePorts, before: Component | undefined): Component {
  const given = before?.properties ?? {}
  const values = Object.entries(inputs).map(([name, input]): [string, unknown] => [name, given[name] ?? input.default ?? null])
  const handlers = (before?.events ?? []).filter(({ on }) => on in events)
  return {
    type: 'module',
    properties: { ...Object.fromEntries(values.filter(([, value]) => value !== null)), ...outputs, ...('hidden' in given ? { hidden: given['hidden'] } : {}) },
    ...(handlers.length > 0 ? { events: handlers } : {}),
  }
}

function merged(app: AppDocument, more: AppDocument): Maps {
  return Object.fromEntries(parts.flatMap((part) => (app[part] || Object.keys(more[part] ?? {}).length > 0 ? [[part, { ...app[part], ...more[part] }]] : [])))
}

/** The app without what is of a module; the component itself stays. */
function withoutParts(app: AppDocument, page: string, instance: string): AppDocument {
  const kept = <Value>(map: Record<string, Value> | null | undefined) => Object.fromEntries(Object.entries(map ?? {}).filter(([name]) => !inModule(name, instance)))
  const target = app.pages[page] ?? {}
  const phone = target['phone-layout'] ? { 'phone-layout': kept(target['phone-layout']) } : {}
  const maps = Object.fromEntries(parts.flatMap((part) => (app[part] ? [[part, kept<unknown>(app[part])]] : [])))
  return { ...app, ...maps, modules: kept(app.modules), pages: { ...app.pages, [page]: { ...target, ...phone, components: kept(target.components), layout: kept(target.layout) } } }
}
