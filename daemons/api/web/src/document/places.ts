/**
 * Every place of an app's document that holds a text or code, with what it belongs to: for finding, for renaming, and for what looks
 * for mistakes. It arrives when one of these is used.
 */
import { parse } from 'acorn'
import type { Action, AppDocument, EventHandler, Flow, Step } from '../api/types'
import { parseExpression, parseTemplate, references, type Reference } from '../evaluator/binding'
import { stateOf } from '../runtime/kinds'
import { mapTexts } from './operations'
import { mapExpressions } from './table-change'

export interface Owner {
  kind: 'component' | 'page' | 'query' | 'script' | 'transformer' | 'state' | 'text'
  name: string
  /** Of a component, and of a page's state. */
  page?: string
}

export interface Place {
  owner: Owner
  /** Where it is in its owner: `data`, `click → notify`. */
  at: string
  text: string
  /** What a text is: with `{{ }}`, one expression, statements, or the bare name of a part of the app. */
  as: 'template' | 'expression' | 'code' | 'name' | 'variable'
}

/** Rewrites a text of the document; the same text leaves it as it is. */
export type Rewrite = (text: string, as: Place['as'], owner: Owner, at: string) => string

/** All places, in the order of the document. */
export function placesOf(document: AppDocument): Place[] {
  const places: Place[] = []
  rewritten(document, (text, as, owner, at) => {
    places.push({ owner, at, text, as })
    return text
  })
  return places
}

/** The document with each text rewritten. Names that are keys stay: `renameEverywhere` moves them. */
export function rewritten(document: AppDocument, rewrite: Rewrite): AppDocument {
  const next: AppDocument = { ...document }
  next.pages = mapped(document.pages, (page, pageName) => {
    const pageOwner: Owner = { kind: 'page', name: pageName }
    return {
      ...page,
      ...(page.title?.includes('{{') ? { title: rewrite(page.title, 'template', pageOwner, 'title') } : {}),
      ...(page.state ? { state: mapped(page.state, (variable, name) => ({ ...variable, ...initialOf(variable.initial, { kind: 'state', name, page: pageName }, rewrite) })) } : {}),
      ...(page.events ? { events: handlersOf(page.events, pageOwner, rewrite) } : {}),
      components: mapped(page.components ?? {}, (component, name) => {
        const owner: Owner = { kind: 'component', name, page: pageName }
        return {
          ...component,
          // What is kept as it is holds no expressions.
          properties: mapped(component.properties ?? {}, (value, key) => (stateOf(component.type).raw?.includes(key) ? value : inValue(value, owner, key, rewrite))),
          ...(component.events ? { events: handlersOf(component.events, owner, rewrite) } : {}),
        }
      }),
    }
  })
  if (document.module) {
    const owner: Owner = { kind: 'page', name: document['home-page'] }
    const { inputs = {}, outputs = {} } = document.module
    next.module = {
      ...document.module,
      inputs: mapped(inputs, (input, name) => (input.default === undefined ? input : { ...input, default: inValue(input.default, owner, `input ${name}`, rewrite) })),
      outputs: mapped(outputs, (text, name) => rewrite(text, 'template', owner, `output ${name}`)),
    }
  }
  next.queries = mapped(document.queries ?? {}, (query, name) => {
    const owner: Owner = { kind: 'query', name }
    const change = query.change ? mapExpressions(query.change, (text) => rewrite(text, 'expression', owner, 'change')) : query.change
    const operation = query.operation ? mapTexts(query.operation, (text) => rewrite(text, 'template', owner, 'operation')) : query.operation
    return {
      ...query,
      ...(query.statement ? { statement: rewrite(query.statement, 'template', owner, 'statement') } : {}),
      ...(query.pages ? { pages: { size: rewrite(query.pages.size, 'expression', owner, 'size of its pages'), offset: rewrite(query.pages.offset, 'expression', owner, 'offset of its pages') } } : {}),
      ...(query.statements ? { statements: query.statements.map((text, index) => rewrite(text, 'template', owner, `statement ${index + 1}`)) } : {}),
      ...(change ? { change } : {}),
      ...(operation ? { operation } : {}),
      ...(query.library?.arguments ? { library: { ...query.library, arguments: mapped(query.library.arguments, (text, name) => rewrite(text, 'expression', owner, `argument ${name}`)) } } : {}),
      ...(query['hidden-parameters'] ? { 'hidden-parameters': query['hidden-parameters'].map((text) => rewrite(text, 'expression', owner, 'hidden parameter')) } : {}),
      ...(query.transform ? { transform: rewrite(query.transform, 'code', owner, 'transformer') } : {}),
      ...flowOf(query, owner, rewrite),
    }
  })
  if (document.scripts) next.scripts = mapped(document.scripts, (script, name) => ({ ...script, code: rewrite(script.code, 'code', { kind: 'script', name }, 'code'), ...flowOf(script, { kind: 'script', name }, rewrite) }))
  if (document.transformers) next.transformers = mapped(document.transformers, ({ code }, name) => ({ code: rewrite(code, 'code', { kind: 'transformer', name }, 'code') }))
  if (document.state) next.state = mapped(document.state, (variable, name) => ({ ...variable, ...initialOf(variable.initial, { kind: 'state', name }, rewrite) }))
  return next
}

function initialOf(initial: unknown, owner: Owner, rewrite: Rewrite): { initial?: unknown } {
  return initial === undefined ? {} : { initial: inValue(initial, owner, 'initial value', rewrite) }
}

function handlersOf(handlers: EventHandler[], owner: Owner, rewrite: Rewrite): EventHandler[] {
  return handlers.map((handler) => ({
    ...handler,
    action: actionOf(handler.action, owner, `${handler.on} → ${handler.action.do}`, rewrite),
    ...(handler.when ? { when: rewrite(handler.when, 'template', owner, `${handler.on}, only when`) } : {}),
  }))
}

function flowOf(flow: Flow, owner: Owner, rewrite: Rewrite): Flow {
  const steps = (list: Step[], on: string) =>
    list.map((step) => ({ ...(actionOf(step, owner, `${on} → ${step.do}`, rewrite) as Step), ...(step.when ? { when: rewrite(step.when, 'template', owner, `${on}, only when`) } : {}) }))
  return {
    ...(flow.confirm ? { confirm: rewrite(flow.confirm, 'template', owner, 'question') } : {}),
    ...(flow.when ? { when: rewrite(flow.when, 'template', owner, 'only when') } : {}),
    ...(flow.refresh ? { refresh: flow.refresh.map((name) => rewrite(name, 'name', owner, 'runs again after it')) } : {}),
    ...(flow['on-success'] ? { 'on-success': steps(flow['on-success'], 'success') } : {}),
    ...(flow['on-failure'] ? { 'on-failure': steps(flow['on-failure'], 'failure') } : {}),
  }
}

/** Members of actions that name a part of the app; all others with texts are values. */
const naming: Record<string, Place['as']> = { query: 'name', component: 'name', variable: 'variable' }
const fixed = new Set(['do', 'when', 'method', 'tone', 'format', 'page', 'app', 'workflow', 'key'])

function actionOf(action: Action, owner: Owner, at: string, rewrite: Rewrite): Action {
  const entries = Object.entries(action).map(([key, value]: [string, unknown]) => {
    if (fixed.has(key)) return [key, value]
    const as = naming[key]
    return [key, as && typeof value === 'string' ? rewrite(value, as, owner, at) : inValue(value, owner, at, rewrite)]
  })
  return Object.fromEntries(entries) as Action
}

function inValue(value: unknown, owner: Owner, at: string, rewrite: Rewrite): unknown {
  if (typeof value === 'string') return rewrite(value, 'template', owner, at)
  if (Array.isArray(value)) return value.map((item) => inValue(item, owner, at, rewrite))
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inValue(item, owner, at, rewrite)]))
  return value
}

function mapped<In, Out>(map: Record<string, In>, change: (value: In, key: string) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]))
}

/** What a place reads, or why it cannot be read. */
export function readsOf({ text, as }: Pick<Place, 'text' | 'as'>): { reads: Reference[]; error?: string } {
  try {
    switch (as) {
      case 'name':
        return { reads: [{ name: text }] }
      case 'variable':
        return { reads: [{ name: 'state', property: text }] }
      case 'template':
        return { reads: text.includes('{{') ? parseTemplate(text).flatMap((part) => ('source' in part ? references(part.program) : [])) : [] }
      case 'expression':
      case 'code':
        return { reads: text.trim() === '' ? [] : references(parseExpression(text).program) }
    }
  } catch (error) {
    return { reads: [], error: error instanceof Error ? error.message : String(error) }
  }
}

/** Whether a text is JavaScript that can be run as it stands. */
export function codeProblem(code: string): string | undefined {
  if (code.trim() === '') return 'It is empty.'
  try {
    parse(`async () => {${code}\n}`, { ecmaVersion: 2023 })
    return undefined
  } catch {
    return readsOf({ text: code, as: 'code' }).error
  }
}
