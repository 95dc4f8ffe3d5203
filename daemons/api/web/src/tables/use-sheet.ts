/** The rows that a grid shows, as they are with the edits that are not saved yet, and what the keyboard does to them. */
import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { RowPage, TableDefinition } from '../api/types'
import { notify } from '../ui/toasts'
import { type RowsView, pageRows, rowsQuery } from './asks'
import { type Cell, type CellChange, type History, type RowId, addRows, cellOf, deleteRows, isNew, rowIdOf, setCells, step } from './edits'
import { cellsType, fromTsv, toTsv } from './tsv'

/** Rows that a browser can scroll over; others are found by a filter. */
export const maxRows = 800_000
/** Cells of one paste. */
const maxPasted = 20_000

export interface Place {
  row: number
  column: number
}

export interface Selection {
  /** Where it began. */
  anchor: Place
  /** Where it ends, and where keys act. */
  head: Place
}

export interface Range {
  top: number
  bottom: number
  left: number
  right: number
}

export function rangeOf({ anchor, head }: Selection): Range {
  return { top: Math.min(anchor.row, head.row), bottom: Math.max(anchor.row, head.row), left: Math.min(anchor.column, head.column), right: Math.max(anchor.column, head.column) }
}

export interface SheetProps {
  resource: string
  view: RowsView
  table: TableDefinition
  canEdit: boolean
  history: History
  onHistory: (history: History) => void
}

export type SheetModel = ReturnType<typeof useSheet>

export function useSheet({ resource, view, table, canEdit, history, onHistory }: SheetProps, visible: { from: number; to: number }) {
  const [selection, setSelection] = useState<Selection>({ anchor: { row: 0, column: 0 }, head: { row: 0, column: 0 } })
  const first = useQuery(rowsQuery(resource, view, 0))
  const total = Math.min(first.data?.total ?? 0, maxRows)
  const sheet = history.now
  const count = total + sheet.added.length
  const wanted = useMemo(() => {
    const last = Math.max(0, Math.ceil(total / pageRows) - 1)
    const [from, to] = [Math.floor(visible.from / pageRows), Math.min(last, Math.floor(visible.to / pageRows))]
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at).filter((page) => page > 0)
  }, [visible.from, visible.to, total])
  const others = useQueries({ queries: wanted.map((page) => rowsQuery(resource, view, page)) })
  const pages = new Map<number, RowPage>()
  if (first.data) pages.set(0, first.data)
  wanted.forEach((page, at) => {
    const data = others[at]?.data
    if (data) pages.set(page, data)
  })
  const keyPlaces = table.key.map((key) => table.columns.findIndex(({ name }) => name === key))

  const readRow = (row: number): readonly Cell[] | undefined => (row < total ? (pages.get(Math.floor(row / pageRows))?.rows[row % pageRows] as Cell[] | undefined) : undefined)
  const idOf = (row: number): RowId | undefined => {
    if (row >= total) return sheet.added[row - total]?.id
    const cells = readRow(row)
    return cells && keyPlaces.length > 0 ? rowIdOf(keyPlaces.map((place) => cells[place] ?? null)) : undefined
  }
  const isCut = (row: number, column: number) => row < total && (pages.get(Math.floor(row / pageRows))?.cut ?? []).some((cell) => cell.row === row % pageRows && cell.column === column)
  /** What a cell holds; nothing where it is not loaded, or left to its default. */
  const cellAt = (row: number, column: number): Cell | undefined => {
    const name = table.columns[column]?.name
    const id = idOf(row)
    if (name === undefined) return undefined
    if (id !== undefined && isNew(id)) return sheet.added[row - total]?.values[name]
    const edit = id === undefined ? undefined : sheet.changed[id]?.[name]
    return edit ? edit.new : readRow(row)?.[column]
  }
  const isWritable = (row: number, column: number) => canEdit && table.columns[column]?.is_computed === false && !isCut(row, column) && idOf(row) !== undefined && !((idOf(row) ?? '') in sheet.deleted)
  const change = (next: History['now']) => onHistory(step(history, next))
  const changeOf = (row: number, column: number, value: Cell): CellChange[] => {
    const [id, name] = [idOf(row), table.columns[column]?.name]
    return id === undefined || name === undefined || !isWritable(row, column) ? [] : [{ row: id, column: name, read: readRow(row)?.[column] ?? null, value }]
  }
  const places = ({ top, bottom, left, right }: Range) => Array.from({ length: bottom - top + 1 }, (_, row) => Array.from({ length: right - left + 1 }, (__, column) => ({ row: top + row, column: left + column })))

  const write = (range: Range, value: (type: string) => Cell) => {
    if ((range.bottom - range.top + 1) * (range.right - range.left + 1) > maxPasted) return notify(`More than ${maxPasted.toLocaleString('en')} cells are not changed at once.`, 'warning')
    change(setCells(sheet, places(range).flat().flatMap(({ row, column }) => changeOf(row, column, value(table.columns[column]?.type ?? '')))))
  }
  const copy = (data: DataTransfer): boolean => {
    const range = rangeOf(selection)
    if ((range.bottom - range.top + 1) * (range.right - range.left + 1) > maxPasted || places(range).some(([place]) => place && place.row < total && !readRow(place.row))) {
      notify('Not all of these rows are loaded: export the table for so many.', 'warning')
      return false
    }
    const rows = places(range).map((row) => row.map((place) => cellAt(place.row, place.column) ?? null))
    data.setData('text/plain', toTsv(rows))
    data.setData(cellsType, JSON.stringify(rows))
    return true
  }
  /** Writes pasted cells from the selection on; what lies below the last row becomes new ones. */
  const paste = (data: DataTransfer) => {
    if (!canEdit) return
    const own = data.getData(cellsType)
    const rows: Cell[][] | string[][] = own ? (JSON.parse(own) as Cell[][]) : fromTsv(data.getData('text/plain'))
    const valueOf = (cell: Cell, column: number) => (own || cell === null ? cell : cellOf(cell, table.columns[column]?.type ?? ''))
    const range = rangeOf(selection)
    const only = rows.length === 1 && rows[0]?.length === 1 ? rows[0][0] : undefined
    // One value fills the whole selection.
    if (only !== undefined) return write(range, (type) => (own || only === null ? only : cellOf(only, type)))
    if (rows.reduce((sum, row) => sum + row.length, 0) > maxPasted) return notify(`More than ${maxPasted.toLocaleString('en')} cells are not pasted at once: import them as a file.`, 'warning')
    const missing = Math.max(0, range.top + rows.length - count)
    const next = missing > 0 ? addRows(sheet, missing) : sheet
    const changes = rows.flatMap((row, down) =>
      row.flatMap((cell, right): CellChange[] => {
        const [at, column] = [range.top + down, range.left + right]
        const definition = table.columns[column]
        if (!definition) return []
        const added = next.added[at - total]
        if (added) return definition.is_computed ? [] : [{ row: added.id, column: definition.name, read: null, value: valueOf(cell, column) }]
        return changeOf(at, column, valueOf(cell, column))
      }),
    )
    change(setCells(next, changes))
    setSelection({ anchor: { row: range.top, column: range.left }, head: { row: range.top + rows.length - 1, column: Math.min(table.columns.length - 1, range.left + Math.max(...rows.map((row) => row.length)) - 1) } })
  }
  const remove = () => {
    const { top, bottom } = rangeOf(selection)
    const rows = Array.from({ length: bottom - top + 1 }, (_, at) => top + at).flatMap((row) => {
      const id = idOf(row)
      if (id === undefined) return []
      const cells = readRow(row) ?? []
      const read = Object.fromEntries(table.columns.flatMap(({ name }, column) => (isCut(row, column) ? [] : [[name, cells[column] ?? null] as const])))
      return [{ row: id, read }]
    })
    change(deleteRows(sheet, rows))
  }
  const add = () => {
    change(addRows(sheet, 1))
    const place = { row: count, column: Math.max(0, table.columns.findIndex(({ is_computed, is_numbered }) => !is_computed && !is_numbered)) }
    setSelection({ anchor: place, head: place })
  }
  const failure = first.error ?? others.find(({ error }) => error)?.error
  return { first, failure, total, count, sheet, selection, setSelection, idOf, cellAt, isCut, isWritable, isLoaded: (row: number) => row >= total || readRow(row) !== undefined, write, copy, paste, remove, add }
}
