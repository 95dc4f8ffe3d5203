/**
 * A grid of rows: virtual, sortable, with a selected row that the keyboard moves. Hosted tables and query results are both
 * this.
 */
import { type SortingState, createSortedRowModel, rowSortingFeature, sortFn_alphanumeric, sortFn_basic, sortFn_text, tableFeatures, useTable } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type CSSProperties, type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import './grid.css'
import { type GridColumn, cellText, columnWidths } from './grid-columns'

export type GridRow = Record<string, unknown>

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, text: sortFn_text, basic: sortFn_basic },
})
const rowHeight = 35
const headHeight = 34

interface Props {
  label: string
  rows: GridRow[]
  columns: GridColumn[]
  emptyText: string
  /** The selected row, as an index into `rows`. */
  selectedIndex?: number
  onSelect?: (row: GridRow, index: number) => void
}

export function DataGrid({ label, rows, columns, emptyText, selectedIndex = -1, onSelect }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const id = useId()
  const [sorting, setSorting] = useState<SortingState>([])
  const definitions = useMemo(
    () => columns.map((column) => ({ id: column.key, accessorFn: (row: GridRow) => row[column.key], sortUndefined: 'last' as const })),
    [columns],
  )
  const table = useTable({ features, columns: definitions, data: rows, state: { sorting }, onSortingChange: setSorting })
  const sorted = table.getRowModel().rows
  const virtual = useVirtualizer({ count: sorted.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 8 })
  const template = useMemo(() => columnWidths(columns, rows), [columns, rows])
  const position = onSelect ? sorted.findIndex((row) => row.index === selectedIndex) : -1

  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 })
  }, [rows])

  const select = (at: number) => {
    const row = sorted[Math.max(0, Math.min(sorted.length - 1, at))]
    if (!row || !onSelect) return
    virtual.scrollToIndex(sorted.indexOf(row))
    onSelect(row.original, row.index)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - headHeight) / rowHeight))
    const target = { ArrowDown: position + 1, ArrowUp: position - 1, PageDown: position + page, PageUp: position - page, Home: 0, End: sorted.length - 1 }[event.key]
    if (target === undefined || !onSelect || event.target !== event.currentTarget) return
    event.preventDefault()
    select(target)
  }
  const sortBy = (key: string) => setSorting(([now]) => (now?.id !== key ? [{ id: key, desc: false }] : now.desc ? [] : [{ id: key, desc: true }]))

  return (
    <div
      ref={scroller}
      className={onSelect ? 'grid selectable' : 'grid'}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-activedescendant={position >= 0 ? `${id}-${position}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      style={{ '--columns': template } as CSSProperties}
    >
      <div className="grid-head" role="rowgroup">
        <div className="grid-row" role="row" aria-rowindex={1}>
          {columns.map((column) => {
            const now = sorting.find((sort) => sort.id === column.key)
            const Arrow = now?.desc ? ArrowDown : ArrowUp
            return (
              <div key={column.key} className={column.isNumeric ? 'cell numeric' : 'cell'} role="columnheader" aria-sort={now ? (now.desc ? 'descending' : 'ascending') : 'none'}>
                <button type="button" className="grid-sort" onClick={() => sortBy(column.key)}>
                  <span className="truncate">{column.label}</span>
                  {now ? <Arrow className="icon" size={12} aria-hidden /> : null}
                </button>
              </div>
            )
          })}
        </div>
      </div>
      {sorted.length === 0 ? (
        <div className="grid-note" role="row">
          <span role="gridcell">{emptyText}</span>
        </div>
      ) : (
        <div className="grid-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const row = sorted[item.index]
            if (!row) return null
            return (
              <div
                key={row.id}
                id={`${id}-${item.index}`}
                className="grid-row"
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={onSelect ? item.index === position : undefined}
                style={{ transform: `translateY(${item.start}px)` }}
                onClick={() => onSelect?.(row.original, row.index)}
              >
                {columns.map((column) => {
                  const text = cellText(row.original[column.key], column)
                  return (
                    <div key={column.key} className={column.isNumeric ? 'cell numeric' : 'cell'} role="gridcell">
                      <span title={text}>{text === '' ? <span className="none">–</span> : text}</span>
                    </div>
                  )
                })}
              </div>
            )
          })}
        </div>
      )}
    </div>
  )
}
