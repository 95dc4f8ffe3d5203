/** Rows that components show, and which of their columns is what. */
import { jsonOf, textOf } from '../runtime/values'

export type Row = Record<string, unknown>

export function rowsOf(data: unknown): Row[] {
  const given = jsonOf(data)
  return Array.isArray(given) ? given.filter((row): row is Row => typeof row === 'object' && row !== null && !Array.isArray(row)) : []
}

/** The column that was named, or the first of the usual ones that the rows have. */
export function column(rows: Row[], named: unknown, usual: readonly string[]): string {
  const given = textOf(named).trim()
  if (given !== '') return given
  return usual.find((key) => rows.some((row) => key in row)) ?? usual[0] ?? ''
}
