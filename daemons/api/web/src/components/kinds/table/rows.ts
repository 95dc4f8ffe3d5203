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

export interface Selected {
  selectedRows: Row[]
  selectedRow: Row | null
  /** Among the data; -1 when it is not there. */
  selectedIndex: number
}

/**
 * What is selected after other rows came: the rows of the same key. Those that are gone are selected no more, but where pages come
 * one by one and several rows can be selected, since they are on another page.
 */
export function reselected({ selectedRows, selectedRow }: Pick<Selected, 'selectedRows' | 'selectedRow'>, rows: Row[], keyColumn: string, keepsOthers: boolean): Selected {
  const wanted = new Set(selectedRows.map((row) => keyOfRow(row, keyColumn)))
  const here = rows.filter((row) => wanted.has(keyOfRow(row, keyColumn)))
  const found = new Set(here.map((row) => keyOfRow(row, keyColumn)))
  const others = keepsOthers ? selectedRows.filter((row) => !found.has(keyOfRow(row, keyColumn))) : []
  const main = selectedRow ? keyOfRow(selectedRow, keyColumn) : undefined
  const index = main === undefined ? -1 : rows.findIndex((row) => keyOfRow(row, keyColumn) === main)
  return { selectedRows: [...others, ...here], selectedRow: rows[index] ?? (keepsOthers ? selectedRow : null), selectedIndex: index }
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
