/** Renames a part of an app: its key, what names it, and what reads it. It arrives when somebody renames. */
import type { Draft } from 'immer'
import type { AppDocument, GridRect } from '../api/types'
import { type Place, rewritten } from './places'
import { renameInExpression, renameInScript, renameInTemplate, renamePropertyInScript } from './rename'

/** Renames a component, query, script or transformer. */
export function renameEverywhere(document: Draft<AppDocument>, from: string, to: string): void {
  const plain = structuredCloneOf(document)
  const next = rewritten(plain, (text, as) => renamed(text, as, from, to))
  for (const page of Object.values(next.pages)) {
    page.components = withKey(page.components ?? {}, from, to)
    page.layout = withKey(page.layout ?? {}, from, to)
    page.layout = withParent(page.layout, from, to)
    if (page['phone-layout']) page['phone-layout'] = withParent(withKey(page['phone-layout'], from, to), from, to)
  }
  next.queries = withKey(next.queries ?? {}, from, to)
  if (next.scripts) next.scripts = withKey(next.scripts, from, to)
  if (next.transformers) next.transformers = withKey(next.transformers, from, to)
  assign(document, next)
}

/** Renames a state variable, which is read as `state.<name>`. */
export function renameState(document: Draft<AppDocument>, from: string, to: string): void {
  const plain = structuredCloneOf(document)
  const next = rewritten(plain, (text, as) => {
    if (as === 'variable') return text === from ? to : text
    if (as === 'name') return text
    if (as === 'template') return renameInTemplate(text, from, to, 'state')
    return renamePropertyInScript(text, 'state', from, to)
  })
  if (next.state) next.state = withKey(next.state, from, to)
  for (const page of Object.values(next.pages)) if (page.state) page.state = withKey(page.state, from, to)
  assign(document, next)
}

function renamed(text: string, as: Place['as'], from: string, to: string): string {
  switch (as) {
    case 'name':
      return text === from ? to : text
    case 'variable':
      return text
    case 'template':
      return renameInTemplate(text, from, to)
    case 'expression':
      return renameInExpression(text, from, to)
    case 'code':
      return renameInScript(text, from, to)
  }
}

function withParent(layout: Record<string, GridRect>, from: string, to: string): Record<string, GridRect> {
  return Object.fromEntries(Object.entries(layout).map(([name, rect]) => [name, rect.parent === from ? { ...rect, parent: to } : rect]))
}

function withKey<Value>(map: Record<string, Value>, from: string, to: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key === from ? to : key, value]))
}

/** A draft is a proxy: what is computed of it is computed of a copy. */
function structuredCloneOf(document: Draft<AppDocument>): AppDocument {
  return JSON.parse(JSON.stringify(document)) as AppDocument
}

function assign(document: Draft<AppDocument>, { pages, queries, scripts, transformers, state }: AppDocument): void {
  Object.assign(document, { pages, queries, ...(scripts ? { scripts } : {}), ...(transformers ? { transformers } : {}), ...(state ? { state } : {}) })
}
