/** Renames a part of an app: its key, what names it, and what reads it. It arrives when somebody renames. */
import type { Draft } from 'immer'
import type { AppDocument, GridRect } from '../api/types'
import { inModule } from './module-names'
import { rewritten } from './places'
import { type Names, renameAll } from './rename'

const none: Names = new Map()

/** Renames a component, query, script or transformer; of a module all that is of it follows. */
export function renameEverywhere(document: Draft<AppDocument>, from: string, to: string): void {
  const plain = structuredCloneOf(document)
  const follows = (map: object | null | undefined) => Object.keys(map ?? {}).flatMap((name): [string, string][] => (document.modules?.[from] && inModule(name, from) ? [[name, to + name.slice(from.length)]] : []))
  const { queries, scripts, transformers, state } = plain
  const maps = [...Object.values(plain.pages).map((page) => page.components), queries, scripts, transformers]
  assign(document, renamedIn(plain, new Map([[from, to], ...maps.flatMap(follows)]), new Map(follows(state))))
}

/** Renames a state variable, which is read as `state.<name>`. */
export function renameState(document: Draft<AppDocument>, from: string, to: string): void {
  assign(document, renamedIn(structuredCloneOf(document), none, new Map([[from, to]])))
}

/** The document with all these names renamed at once. */
export function renamedIn(document: AppDocument, names: Names, variables: Names): AppDocument {
  const next = rewritten(document, (text, as) => renameAll(text, as, names, variables))
  for (const page of Object.values(next.pages)) {
    page.components = withKeys(page.components ?? {}, names)
    page.layout = withParents(withKeys(page.layout ?? {}, names), names)
    if (page['phone-layout']) page['phone-layout'] = withParents(withKeys(page['phone-layout'], names), names)
    if (page.state) page.state = withKeys(page.state, variables)
  }
  next.queries = withKeys(next.queries ?? {}, names)
  for (const part of ['scripts', 'transformers', 'modules'] as const) if (next[part]) Object.assign(next, { [part]: withKeys<unknown>(next[part], names) })
  if (next.state) next.state = withKeys(next.state, variables)
  return next
}

function withParents(layout: Record<string, GridRect>, names: Names): Record<string, GridRect> {
  return Object.fromEntries(Object.entries(layout).map(([name, rect]) => [name, rect.parent && names.has(rect.parent) ? { ...rect, parent: names.get(rect.parent) ?? rect.parent } : rect]))
}

function withKeys<Value>(map: Record<string, Value>, names: Names): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [names.get(key) ?? key, value]))
}

/** A draft is a proxy: what is computed of it is computed of a copy. */
function structuredCloneOf(document: Draft<AppDocument>): AppDocument {
  return JSON.parse(JSON.stringify(document)) as AppDocument
}

function assign(document: Draft<AppDocument>, { pages, queries, scripts, transformers, state, modules, module }: AppDocument): void {
  Object.assign(document, { pages, queries, ...(scripts ? { scripts } : {}), ...(transformers ? { transformers } : {}), ...(state ? { state } : {}), ...(modules ? { modules } : {}), ...(module ? { module } : {}) })
}
