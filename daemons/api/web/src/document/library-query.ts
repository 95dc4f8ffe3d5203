/** A query of an app turned into one of the library: each expression becomes a parameter, and an argument where the query stood. */
import type { AppQuery, LibraryQuery, ResourceQuery } from '../api/types'
import { parseTemplate } from '../evaluator/binding'
import { isWrite, rewrittenAsk } from './query-ask'

/** What the server binds in a query of the library, too. */
const isBound = (expression: string) => /^(environment\.name|current_user\.(id|email|name|is_admin))$/.test(expression)

/** A name for what an expression gives: `search.value` is `search`, `table1.selectedRow.id` is `id`. */
export function parameterName(expression: string, taken: ReadonlySet<string>): string {
  const words = /^[\w$.?\s]+$/.test(expression) ? expression.split(/[^\w]+/).filter((word) => /^[a-z_]\w*$/i.test(word)) : []
  const last = words.at(-1)
  const base = (last === 'value' ? words.at(-2) : last) ?? 'value'
  let name = base
  for (let number = 2; taken.has(name); number += 1) name = `${base}${number}`
  return name
}

/** A text with each of its expressions in the place of another. */
function replaced(text: string, by: (expression: string) => string): string {
  return parseTemplate(text)
    .map((part) => ('text' in part ? part.text : `{{ ${by(part.source)} }}`))
    .join('')
}

export interface Moved {
  document: LibraryQuery
  /** What the app's query says from now on, beside when it runs. */
  reference: Partial<AppQuery>
}

/** The query for the library, and what refers to it. */
export function moved(query: AppQuery, expressions: readonly string[], { slug, title }: { slug: string; title: string }): Moved {
  const names = new Map<string, string>()
  for (const expression of expressions) if (!isBound(expression)) names.set(expression, parameterName(expression, new Set(names.values())))
  const by = (expression: string) => names.get(expression.trim()) ?? expression
  const { resource, statement, statements, change, operation, pages, mode, limits, 'cache-seconds': kept } = query
  const own: ResourceQuery = { resource, ...(change ? { change } : operation ? { operation } : statements?.length ? { statements } : { statement: statement ?? '' }), ...(pages ? { pages } : {}), ...(mode ? { mode } : {}), ...(limits ? { limits } : {}), ...(kept ? { 'cache-seconds': kept } : {}) }
  const parameters = Object.fromEntries([...names.values()].map((name) => [name, {}]))
  return {
    document: { format: 1, title, query: rewrittenAsk(own, (text) => replaced(text, by), by), parameters },
    reference: {
      statement: '',
      statements: [],
      change: null,
      operation: null,
      pages: null,
      mode: isWrite(query) ? 'write' : 'read',
      'cache-seconds': 0,
      library: { query: slug, arguments: Object.fromEntries([...names].map(([expression, name]) => [name, expression])) },
    },
  }
}
