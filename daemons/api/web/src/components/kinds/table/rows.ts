/** Rows of a table: which is which, and what was changed in them. */
import type { Row } from '../../rows'

export interface Change {
  /** What the row is known by. */
  key: unknown
  /** As it came. */
  row: Row
  /** The values that were changed, by column. */
  values: Row
}

/** What a row is known by: its key column, `id` when nobody says which, or all that it holds. */
export function keyOfRow(row: Row, keyColumn: string): unknown {
  if (keyColumn !== '') return row[keyColumn]
  return 'id' in row ? row.id : JSON.stringify(row)
}

export function changesOf(value: unknown): Change[] {
  return Array.isArray(value) ? (value as Change[]) : []
}

/** A row with what was changed in it. */
export function withChanges(row: Row, changes: Map<unknown, Change>, keyColumn: string): Row {
  if (changes.size === 0) return row
  const change = changes.get(keyOfRow(row, keyColumn))
  return change ? { ...row, ...change.values } : row
}

/** The changes with one more; a value that is as it was is none. */
export function changed(changes: Change[], row: Row, keyColumn: string, column: string, value: unknown): Change[] {
  const key = keyOfRow(row, keyColumn)
  const known = changes.find((change) => change.key === key)
  const values = { ...known?.values, [column]: value }
  if (isSameValue(row[column], value)) delete values[column]
  const rest = changes.filter((change) => change.key !== key)
  if (Object.keys(values).length === 0) return rest
  const next = { key, row, values }
  return known ? changes.map((change) => (change.key === key ? next : change)) : [...rest, next]
}

function isSameValue(before: unknown, after: unknown): boolean {
  if (before === null || before === undefined || before === '') return after === null || after === ''
  return typeof before === 'object' ? JSON.stringify(before) === JSON.stringify(after) : before === after
}
