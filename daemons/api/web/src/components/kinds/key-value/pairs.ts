/** What a key-value list shows: of an object all or the chosen keys, or given pairs. */
import { type GridColumn, cellText, columnsOf } from '../../../ui/grid-columns'
import { jsonOf, textOf } from '../../../runtime/values'

export interface Pair {
  label: string
  text: string
}

/** A thing with more values is no list for people. */
const mostPairs = 500

export function pairsOf(data: unknown, declared: unknown): Pair[] {
  const given = jsonOf(data)
  if (Array.isArray(given)) {
    return given.slice(0, mostPairs).flatMap((item) => (typeof item === 'object' && item !== null ? [{ label: textOf((item as Record<string, unknown>)['label']), text: textOf((item as Record<string, unknown>)['value']) }] : []))
  }
  if (typeof given !== 'object' || given === null) return []
  const row = given as Record<string, unknown>
  return columnsOf(jsonOf(declared), [row]).slice(0, mostPairs).map((column: GridColumn) => ({ label: column.label, text: cellText(row[column.key], column) }))
}
