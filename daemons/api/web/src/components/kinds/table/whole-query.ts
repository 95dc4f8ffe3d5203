/** The query whose rows a table shows as they are: all of them can be exported, whatever its limits let through. */
import type { RuntimeQuery } from '../../../runtime/model'

const rowsOf = /^\s*\{\{\s*([A-Za-z_$][\w$]*)\.(rows|data)\s*\}\}\s*$/

/** Its name; nothing where the table shows something else, or the query cannot be exported. */
export function wholeQuery(data: unknown, isPaged: boolean, queries: Record<string, RuntimeQuery>): string | undefined {
  const [, name = '', part] = (typeof data === 'string' && rowsOf.exec(data)) || []
  const query = Object.hasOwn(queries, name) ? queries[name] : undefined
  // A query whose statement brings one page knows nothing of the others.
  if (!query || (isPaged && !query['is-paged']) || !query['is-exportable'] || query['is-allowed'] === false) return undefined
  return part === 'data' && query.transform ? undefined : name
}
