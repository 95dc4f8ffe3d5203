/** What a query asks of its resource: a SQL statement or a list of them, a change of a table, or an operation. Apps and workflows share it. */
import type { ResourceQuery } from '../api/types'
import { isReadOperation, mapTexts, operationKinds, operationText, operationsOf, textsOf } from './operations'
import { changeOf, changeText, expressionsOf, mapExpressions } from './table-change'

export type Ask = Pick<ResourceQuery, 'statement' | 'statements' | 'change' | 'operation' | 'library' | 'mode' | 'pages'>
export type Way = 'sql' | 'list' | 'form' | 'operation' | 'library'

/** Kinds of resources whose tables are changed by forms. */
const withForms = new Set(['postgresql', 'mysql', 'sql-server'])
/** Kinds that run several statements in one transaction. */
const withLists = new Set(['postgresql', 'sql-server'])

export function wayOf(ask: Ask): Way {
  if (ask.library) return 'library'
  if (ask.operation) return 'operation'
  if (ask.change) return 'form'
  return ask.statements?.length ? 'list' : 'sql'
}

/** How a resource of this kind can be asked; of one that is not known, by SQL. */
export function waysOf(kind: string | undefined): Way[] {
  if (kind !== undefined && kind in operationsOf) return ['operation', 'library']
  const has = (kinds: Set<string>) => kind === undefined || kinds.has(kind)
  return ['sql', ...(has(withLists) ? (['list'] as const) : []), ...(has(withForms) ? (['form'] as const) : []), 'library']
}

const nothing = { statement: '', statements: [], change: null, operation: null, library: null, pages: null }

/** What a query says when it is written in another way, or for another kind of resource. */
export function writtenAs(way: Way, kind?: string): Required<Ask> {
  switch (way) {
    case 'library':
      return { ...nothing, library: { query: '' }, mode: 'read' }
    case 'sql':
      return { ...nothing, statement: 'select 1 as one', mode: 'read' }
    case 'list':
      return { ...nothing, statements: ['select 1 as one', 'select 2 as two'], mode: 'write' }
    case 'form':
      return { ...nothing, change: changeOf('insert'), mode: 'write' }
    case 'operation': {
      const name = operationsOf[kind ?? '']?.[0]
      const operation = name === undefined ? null : operationKinds[name].begin
      return { ...nothing, operation, mode: operation === null || isReadOperation(operation) ? 'read' : 'write' }
    }
  }
}

/** What has to change when a query is pointed at a resource of this kind: nothing, if it can be asked the same. */
export function fittedTo(kind: string | undefined, ask: Ask): Partial<Ask> {
  const ways = waysOf(kind)
  const way = wayOf(ask)
  // What it asks is the library's to say.
  if (way === 'library') return {}
  const fits = ways.includes(way) && (!ask.operation || (operationsOf[kind ?? ''] ?? []).includes(ask.operation.do))
  return fits ? {} : writtenAs(ways[0] ?? 'sql', kind)
}

export function isWrite(ask: Ask): boolean {
  if (ask.operation) return !isReadOperation(ask.operation)
  return ask.change != null || Boolean(ask.statements?.length) || ask.mode === 'write'
}

/** A change of what is asked: a write is made each time, so no result of it is kept and no page cut. */
export function changed<Kind extends Ask & { 'cache-seconds'?: number }>(ask: Kind, part: Partial<Kind>): Partial<Kind> {
  const next = { ...ask, ...part }
  const fresh = ask['cache-seconds'] && isWrite(next) ? { 'cache-seconds': 0 } : {}
  return { ...part, ...fresh, ...(next.pages && !canBeCut(next) ? { pages: null } : {}) }
}

/** Whether the database can cut pages of it: one statement that reads. */
export function canBeCut(ask: Ask): boolean {
  return wayOf(ask) === 'sql' && !isWrite(ask)
}

/** One line that says what is asked. */
export function askText(ask: Ask & { resource: string }): string {
  if (ask.library) return `${ask.library.query || 'A query'} of the library`
  if (ask.change) return changeText(ask.change)
  if (ask.statements?.length) return `${ask.statements.length} statements on ${ask.resource || 'no resource'}`
  return ask.operation ? operationText(ask.operation) : `SQL on ${ask.resource || 'no resource'}`
}

/** The expressions whose values it needs, by whoever cuts texts at their bindings. */
export async function expressionsIn(ask: Ask, cut: (text: string) => Promise<{ expressions: string[]; error?: string }>): Promise<{ expressions: string[]; error?: string }> {
  if (ask.library) return { expressions: [...new Set(Object.values(ask.library.arguments ?? {}).map((source) => source.trim()))] }
  if (ask.change) return { expressions: expressionsOf(ask.change) }
  if (!ask.operation && !ask.statements?.length) {
    const found = await cut(ask.statement ?? '')
    return ask.pages ? { ...found, expressions: [...found.expressions, ask.pages.size.trim(), ask.pages.offset.trim()] } : found
  }
  const texts = ask.operation ? textsOf(ask.operation) : (ask.statements ?? [])
  const found = await Promise.all(texts.filter((text) => text.includes('{{')).map(cut))
  const error = found.find((one) => one.error !== undefined)?.error
  return { expressions: [...new Set(found.flatMap((one) => one.expressions))], ...(error === undefined ? {} : { error }) }
}

/** The same with each expression rewritten: in templates, and where one stands alone. */
export function rewrittenAsk<Kind extends Ask>(ask: Kind, template: (text: string) => string, expression: (source: string) => string): Kind {
  if (ask.library) return { ...ask, library: { ...ask.library, arguments: Object.fromEntries(Object.entries(ask.library.arguments ?? {}).map(([name, source]) => [name, expression(source)])) } }
  if (ask.change) return { ...ask, change: mapExpressions(ask.change, expression) }
  if (ask.operation) return { ...ask, operation: mapTexts(ask.operation, template) }
  if (ask.statements?.length) return { ...ask, statements: ask.statements.map(template) }
  const pages = ask.pages && { size: expression(ask.pages.size), offset: expression(ask.pages.offset) }
  return { ...ask, statement: template(ask.statement ?? ''), ...(pages ? { pages } : {}) }
}
