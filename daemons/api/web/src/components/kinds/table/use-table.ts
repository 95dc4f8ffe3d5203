/** What a table's parts share: its rows, columns, order, selection and changes. What expressions see of it is in the runtime. */
import { useEffect, useMemo, useRef, useState } from 'react'
import type { ExportFormat } from '../../../api/types'
import { flagOf, jsonOf, numberOf, textOf } from '../../../runtime/values'
import { type Row, rowsOf } from '../../rows'
import { type ViewProps, useProperties, useProperty, useRuntime, useRuntimeState } from '../../runtime-context'
import { type Filter, type Order, type Sort, arrange, inSlices, summed } from './arrange'
import { type Column, type ColumnView, arrangedColumns, columnsOf, untouched } from './columns'
import { pageSizeOf, paged } from './paging'
import { type Change, changed, changesOf, keyOfRow, reselected, withChanges } from './rows'
import { wholeQuery } from './whole-query'

export type SelectionMode = 'single' | 'multiple' | 'none'

/** A row as it stands in the grid. */
export interface Placed {
  /** With what was changed in it. */
  row: Row
  /** As it came; a new one as it was begun. */
  original: Row
  key: unknown
  /** Among the data; less than 0 of a new row. */
  index: number
}

/** More rows than these are not selected at once: every expression that reads them would get them all. */
export const mostSelected = 5000
const none: never[] = []

export function useTable(props: ViewProps, isSettled: boolean) {
  const { name, component } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const held = useRuntimeState(({ components }) => components[name])
  const data = read('data')
  const declared = read('columns')
  const keyColumn = textOf(read('key'))
  const isPaged = textOf(read('paging')) === 'server'
  const given = useMemo(() => rowsOf(data), [data])
  const columns = useMemo(() => columnsOf(declared, given), [declared, given])
  const [view, setView] = useState<ColumnView>(untouched)
  const shown = useMemo(() => arrangedColumns(columns, view), [columns, view])
  const order: Order = useMemo(
    () => ({ sort: (held?.sort as Sort | null | undefined) ?? null, filters: (held?.filters as Filter[] | undefined) ?? none, search: textOf(held?.search) }),
    [held?.sort, held?.filters, held?.search],
  )
  const { rows, places, isArranging } = useArranged(given, columns, order, isPaged)
  const selection = useSelection(props, rows, keyColumn, isSettled, isPaged)
  const pageSize = usePageSize(props, isPaged)
  const changes = useMemo(() => changesOf(held?.changes), [held?.changes])
  const byKey = useMemo(() => new Map(changes.map((change) => [change.key, change])), [changes])
  const sums = useSums(rows, places, columns, byKey, keyColumn)
  const newRows = (held?.newRows as Row[] | undefined) ?? (none as Row[])
  const [isSaving, setSaving] = useState(false)
  const [expanded, setExpanded] = useState<ReadonlySet<unknown>>(new Set())
  const rowTones = jsonOf(read('row-tones'))

  const set = (values: Row, event?: string) => {
    runtime.setComponent(name, values)
    if (event && component.events?.some((handler) => handler.on === event)) void runtime.trigger(name, event)
  }
  const shownCount = places?.length ?? rows.length

  return {
    name,
    rows,
    columns,
    shown,
    view,
    setView,
    order,
    sums,
    isArranging,
    isPaged,
    selection,
    changes,
    newRows,
    isSaving,
    expanded,
    detail: textOf(read('detail')),
    /** The query whose rows can be exported, all of them. */
    wholeQuery: runtime.host.exportQuery ? wholeQuery(component.properties?.['data'], isPaged, runtime.document.queries) : undefined,
    /** Rows that show, without the new ones. */
    shownCount,
    /** Rows in the grid. */
    count: newRows.length + shownCount,
    page: { ...paged(numberOf(held?.page) ?? 1, pageSize), rowCount: numberOf(read('row-count')) },
    flags: {
      isSortable: flagOf(read('sortable') ?? true),
      isSearchable: flagOf(read('searchable')),
      isFilterable: flagOf(read('filterable')),
      isExportable: flagOf(read('exportable')),
      isExtendable: flagOf(read('add-rows')),
      hasColumnMenu: flagOf(read('column-menu')),
    },
    canSave: component.events?.some((handler) => handler.on === 'save') ?? false,
    rowAt: (position: number): Placed | undefined => {
      const added = newRows[position]
      if (added) return { row: added, original: added, key: `new ${position}`, index: -1 - position }
      const at = position - newRows.length
      const index = places ? places[at] : at
      const original = index === undefined ? undefined : rows[index]
      if (index === undefined || !original) return undefined
      return { row: withChanges(original, byKey, keyColumn), original, key: keyOfRow(original, keyColumn), index }
    },
    /** Where a row of the data stands in the grid; -1 when it does not. */
    positionOf: (index: number): number => {
      if (index < 0) return -1
      const at = places ? places.indexOf(index) : index
      return at < 0 ? -1 : newRows.length + at
    },
    toneOf: ({ row, index }: Placed): string => (Array.isArray(rowTones) ? textOf(rowTones[index]) : typeof rowTones === 'string' && rowTones !== '' ? textOf(row[rowTones]) : ''),
    isChanged: ({ key, index }: Placed, column: Column) => index < 0 || Object.hasOwn(byKey.get(key)?.values ?? {}, column.key),
    setOrder: (part: Partial<Order>, event: string) => set({ ...part, ...paged(1, pageSize) }, event),
    setPage: (page: number, size = pageSize) => set({ ...paged(page, size) }, 'page-change'),
    act: (column: Column, { row }: Placed) => {
      runtime.setComponent(name, { action: column.key, actionRow: row })
      void runtime.trigger(name, 'row-action')
    },
    expand: (placed: Placed) => {
      const next = new Set(expanded)
      const opens = !next.delete(placed.key)
      if (opens) next.add(placed.key)
      setExpanded(next)
      set({ expandedRow: opens ? placed.row : null }, 'row-expand')
    },
    edit: ({ original, index }: Placed, column: Column, value: unknown) => {
      if (index < 0) set({ newRows: newRows.map((row, at) => (at === -1 - index ? { ...row, [column.key]: value } : row)) }, 'edit')
      else set({ changes: changed(changes, original, keyColumn, column.key, value) }, 'edit')
    },
    addRow: () => set({ newRows: [Object.fromEntries(columns.filter(({ isEditable }) => isEditable).map(({ key }) => [key, null])), ...newRows] }),
    removeNewRow: (index: number) => set({ newRows: newRows.filter((_, at) => at !== -1 - index) }),
    discard: () => set({ changes: [], newRows: [] }, 'cancel'),
    /** All rows of the query, with the values that it has now. */
    exportAll: async (query: string, format: ExportFormat, onBytes: (count: number) => void, signal: AbortSignal): Promise<string> => {
      const { values, missing } = await runtime.valuesOf(runtime.document.queries[query]?.expressions ?? [])
      if (missing !== undefined || !runtime.host.exportQuery) throw new Error(missing ?? 'Nothing exports it here.')
      return runtime.host.exportQuery(query, values, format, onBytes, signal)
    },
    /** What was changed is forgotten once the handlers of `save` did their work; when one failed it stays. */
    save: async () => {
      setSaving(true)
      const isDone = await runtime.trigger(name, 'save')
      if (isDone) runtime.setComponent(name, { changes: [], newRows: [] })
      setSaving(false)
    },
  }
}

export type TableModel = ReturnType<typeof useTable>

/** The rows and their order. Until a long sort is done, they stay as they were: after new data too. */
function useArranged(rows: Row[], columns: Column[], order: Order, isPaged: boolean): { rows: Row[]; places: number[] | undefined; isArranging: boolean } {
  const [done, setDone] = useState<{ rows: Row[]; places: number[] }>()
  const [isArranging, setArranging] = useState(false)
  const isPlain = isPaged || (!order.sort && order.filters.length === 0 && order.search.trim() === '')
  useEffect(() => {
    if (isPlain) return setDone(undefined)
    const controller = new AbortController()
    setArranging(true)
    void inSlices(arrange(rows, columns, order), controller.signal).then((places) => {
      if (!places) return
      setDone({ rows, places })
      setArranging(false)
    })
    return () => {
      controller.abort()
      setArranging(false)
    }
  }, [rows, columns, order, isPlain])
  return done && !isPlain && done.rows.length > 0 ? { ...done, isArranging } : { rows, places: undefined, isArranging }
}

/** Of the rows that show, with what was changed in them. */
function useSums(rows: Row[], places: number[] | undefined, columns: Column[], changes: Map<unknown, Change>, keyColumn: string): Record<string, number> {
  const [sums, setSums] = useState<Record<string, number>>({})
  const isAsked = columns.some(({ summary }) => summary !== undefined)
  useEffect(() => {
    if (!isAsked) return
    const controller = new AbortController()
    void inSlices(
      summed(rows, places, columns, (row) => withChanges(row, changes, keyColumn)),
      controller.signal,
    ).then((done) => done && setSums(done))
    return () => controller.abort()
  }, [rows, places, columns, changes, keyColumn, isAsked])
  return sums
}

/** What a person chose, or else the property; expressions see the same. */
function usePageSize({ name, component }: ViewProps, isPaged: boolean): number {
  const runtime = useRuntime()
  const given = pageSizeOf(numberOf(useProperty(name, 'page-size')))
  const held = useRuntimeState(({ components }) => numberOf(components[name]?.pageSize))
  const property = component.properties?.['page-size']
  // A plain size is there from the beginning (state.ts); one that an expression says is told when it is known.
  const isBound = isPaged && typeof property === 'string' && property.includes('{{')
  useEffect(() => {
    if (isBound && held === null) runtime.setComponent(name, { pageSize: given })
  }, [isBound, held, given, name, runtime])
  return held ?? given
}

function useSelection({ name, component }: ViewProps, rows: Row[], keyColumn: string, isSettled: boolean, isPaged: boolean) {
  const runtime = useRuntime()
  const mode = useRuntimeState((state): SelectionMode => {
    const shown = state.shown[`${name}.selection`]
    const value = shown && 'value' in shown ? shown.value : undefined
    return value === 'multiple' || value === 'none' ? value : 'single'
  })
  const selectedIndex = useRuntimeState(({ components }) => numberOf(components[name]?.selectedIndex) ?? -1)
  const selectedRows = useRuntimeState(({ components }) => (components[name]?.selectedRows as Row[] | undefined) ?? (none as Row[]))
  const keys = useMemo(() => new Set(selectedRows.map((row) => keyOfRow(row, keyColumn))), [selectedRows, keyColumn])
  const followed = useRef(rows)
  const hold = (list: Row[], index: number) => {
    runtime.setComponent(name, { selectedRows: list, selectedRow: rows[index] ?? list[0] ?? null, selectedIndex: index })
    if (component.events?.some((handler) => handler.on === 'row-select')) void runtime.trigger(name, 'row-select')
  }
  useEffect(() => {
    if (!isSettled || followed.current === rows) return
    followed.current = rows
    const state = runtime.store.getState().components[name]
    const selectedRows = (state?.selectedRows as Row[] | undefined) ?? none
    const selectedRow = (state?.selectedRow as Row | null | undefined) ?? null
    if (selectedRows.length === 0 && !selectedRow) return
    runtime.setComponent(name, { ...reselected({ selectedRows, selectedRow }, rows, keyColumn, isPaged && mode === 'multiple') })
  }, [name, rows, keyColumn, isSettled, isPaged, mode, runtime])
  return {
    mode,
    selectedIndex,
    keys,
    count: selectedRows.length,
    selectOne: (index: number) => {
      const row = rows[index]
      if (row) hold([row], index)
    },
    toggle: (index: number) => {
      const row = rows[index]
      if (!row) return
      const key = keyOfRow(row, keyColumn)
      if (!keys.has(key)) return hold([...selectedRows, row], index)
      const rest = selectedRows.filter((one) => keyOfRow(one, keyColumn) !== key)
      const last = rest.at(-1)
      hold(rest, last ? rows.indexOf(last) : -1)
    },
    selectAll: (list: Row[]) => hold(list, list[0] ? rows.indexOf(list[0]) : -1),
    clear: () => hold([], -1),
  }
}
