/**
 * Edits of a table that are not saved yet: which cells, rows added and rows deleted, each step of which can be undone.
 *
 * A row is known by its key, a new one by a number of its own. Beside the new value of a cell stands the one that it was read with: the
 * server writes only over that one.
 */
import type { EditFault, RowEdit, TableDefinition } from '../api/types'

export type Cell = string | null

/** A row of the table by its key as text, or a new one as `+1`. */
export type RowId = string

export interface CellEdit {
  old: Cell
  new: Cell
}

export interface Sheet {
  /** By row and column. */
  changed: Readonly<Record<RowId, Readonly<Record<string, CellEdit>>>>
  /** The rows to delete, with their cells as they were read. */
  deleted: Readonly<Record<RowId, Readonly<Record<string, Cell>>>>
  /** New rows in their order; a column that is not there is left to its default. */
  added: readonly { id: RowId; values: Readonly<Record<string, Cell>> }[]
}

export interface History {
  past: readonly Sheet[]
  now: Sheet
  future: readonly Sheet[]
}

/** Steps that can be undone. */
const maxSteps = 200

export const emptySheet: Sheet = { changed: {}, deleted: {}, added: [] }
export const emptyHistory: History = { past: [], now: emptySheet, future: [] }

export function step({ past, now }: History, next: Sheet): History {
  return next === now ? { past, now, future: [] } : { past: [...past, now].slice(-maxSteps), now: next, future: [] }
}

export function undo(history: History): History {
  const before = history.past.at(-1)
  return before ? { past: history.past.slice(0, -1), now: before, future: [history.now, ...history.future] } : history
}

export function redo(history: History): History {
  const [next, ...rest] = history.future
  return next ? { past: [...history.past, history.now], now: next, future: rest } : history
}

export function isNew(row: RowId): boolean {
  return row.startsWith('+')
}

/** A row's name by its key; a key's cells are never null. */
export function rowIdOf(key: readonly Cell[]): RowId {
  return JSON.stringify(key)
}

export function countOf({ changed, deleted, added }: Sheet): number {
  const cells = Object.entries(changed).reduce((sum, [row, edits]) => (row in deleted ? sum : sum + Object.keys(edits).length), 0)
  return cells + Object.keys(deleted).length + added.length
}

export interface CellChange {
  row: RowId
  column: string
  /** As it was read from the server; of no meaning for a new row. */
  read: Cell
  value: Cell
}

/** Cells get values, in one step. A cell that is again what it was is no edit. */
export function setCells(sheet: Sheet, changes: readonly CellChange[]): Sheet {
  const changed: Record<RowId, Record<string, CellEdit>> = { ...sheet.changed }
  const added = sheet.added.map((row) => ({ ...row, values: { ...row.values } }))
  let isSame = true
  for (const { row, column, read, value } of changes) {
    if (isNew(row)) {
      const found = added.find(({ id }) => id === row)
      if (!found || found.values[column] === value) continue
      found.values[column] = value
      isSame = false
      continue
    }
    const before = changed[row]?.[column]
    const old = before ? before.old : read
    if ((before ? before.new : read) === value) continue
    isSame = false
    const { [column]: _, ...others } = changed[row] ?? {}
    const edits = value === old ? others : { ...others, [column]: { old, new: value } }
    if (Object.keys(edits).length === 0) delete changed[row]
    else changed[row] = edits
  }
  return isSame ? sheet : { ...sheet, changed, added }
}

/** Adds rows, the first of which has the name `+n`. */
export function addRows(sheet: Sheet, count: number): Sheet {
  const last = sheet.added.reduce((most, { id }) => Math.max(most, Number(id.slice(1))), 0)
  return { ...sheet, added: [...sheet.added, ...Array.from({ length: count }, (_, at) => ({ id: `+${last + at + 1}`, values: {} }))] }
}

/** Rows are to be deleted; one that is not in the table yet is gone at once. */
export function deleteRows(sheet: Sheet, rows: readonly { row: RowId; read: Readonly<Record<string, Cell>> }[]): Sheet {
  const gone = new Set(rows.map(({ row }) => row))
  const deleted = { ...sheet.deleted }
  for (const { row, read } of rows) if (!isNew(row)) deleted[row] = read
  return { ...sheet, deleted, added: sheet.added.filter(({ id }) => !gone.has(id)) }
}

export function restoreRows(sheet: Sheet, rows: readonly RowId[]): Sheet {
  return { ...sheet, deleted: Object.fromEntries(Object.entries(sheet.deleted).filter(([row]) => !rows.includes(row))) }
}

/** Takes back what was edited of a row: all of it, or one cell. */
export function forget(sheet: Sheet, row: RowId, column?: string): Sheet {
  if (column === undefined) {
    const { [row]: _, ...changed } = sheet.changed
    const { [row]: __, ...deleted } = sheet.deleted
    return { changed, deleted, added: sheet.added.filter(({ id }) => id !== row) }
  }
  const { [column]: _, ...edits } = sheet.changed[row] ?? {}
  const { [row]: __, ...others } = sheet.changed
  return { ...sheet, changed: Object.keys(edits).length > 0 ? { ...others, [row]: edits } : others }
}

/** An edit goes on over what somebody else has written meanwhile. */
export function rebase(sheet: Sheet, row: RowId, column: string, current: Cell): Sheet {
  const edit = sheet.changed[row]?.[column]
  if (edit) return { ...sheet, changed: { ...sheet.changed, [row]: { ...sheet.changed[row], [column]: { ...edit, old: current } } } }
  const read = sheet.deleted[row]
  return read ? { ...sheet, deleted: { ...sheet.deleted, [row]: { ...read, [column]: current } } } : sheet
}

/** The edits as they are sent, and the row of each. */
export function toEdits(sheet: Sheet): { edits: RowEdit[]; rows: RowId[] } {
  const found: { row: RowId; edit: RowEdit }[] = []
  const keyOf = (row: RowId) => JSON.parse(row) as string[]
  for (const [row, old] of Object.entries(sheet.deleted)) found.push({ row, edit: { do: 'delete', key: keyOf(row), old } })
  for (const [row, cells] of Object.entries(sheet.changed)) {
    if (row in sheet.deleted) continue
    found.push({ row, edit: { do: 'update', key: keyOf(row), cells: Object.entries(cells).map(([column, edit]) => ({ column, old: edit.old, new: edit.new })) } })
  }
  for (const { id, values } of sheet.added) found.push({ row: id, edit: { do: 'insert', values } })
  return { edits: found.map(({ edit }) => edit), rows: found.map(({ row }) => row) }
}

export interface SheetFault extends EditFault {
  row: RowId
}

/** The faults of what was sent, by the rows that they are about. */
export function faultsOf(faults: readonly EditFault[], rows: readonly RowId[]): SheetFault[] {
  return faults.map((fault) => ({ ...fault, row: rows[fault.edit] ?? '' }))
}

/** What a typed or pasted text is for a column: where no text can be, an empty one is nothing. */
export function cellOf(text: string, type: string): Cell {
  return text === '' && !isTextType(type) ? null : text
}

export function isTextType(type: string): boolean {
  return /^(text|character|citext|name|varchar|char)\b/.test(type)
}

export function isNumericType(type: string): boolean {
  return /^(bigint|integer|smallint|numeric|real|double precision|money)\b/.test(type)
}

/** Why the rows of a table cannot be edited; nothing where they can. */
export function whyReadOnly(table: TableDefinition): string | undefined {
  if (table.is_view) return 'This is a view: edit the tables that it is made of.'
  if (table.key.length === 0) return 'The table has no primary key, so no row can be told from the others: its rows are not edited here.'
  return undefined
}
