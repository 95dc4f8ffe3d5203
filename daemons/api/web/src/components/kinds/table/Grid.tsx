/**
 * The grid itself: of all its rows only those in view are in the page. The keyboard leads a cell through it: arrows, Home, End
 * and Page keys; Enter edits or follows what stands in the cell, Space selects, Escape leaves.
 */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type CSSProperties, type KeyboardEvent, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'react'
import '../../../ui/grid.css'
import { t, valueLocale } from '../../../messages/messages'
import type { Direction } from './CellEditor'
import { DataRow } from './DataRow'
import { HeadCell, sortNext } from './HeadCell'
import { cellText, contentWidth } from './cell-text'
import type { Column } from './columns'
import { toggled } from './edited'
import './table.css'
import { type Placed, type TableModel, mostSelected } from './use-table'

const rowHeight = 35
const headHeight = 34
const detailHeight = 220
const leadWidth = 40

export interface Place {
  /** -1 is the head. */
  row: number
  column: number
  /** What the row is known by: new data may bring it to another place. */
  key?: unknown
}

export interface GridLayout {
  /** For selecting, before the columns. */
  hasSelect: boolean
  /** For opening a row, before the columns. */
  hasExpand: boolean
  /** By column: how far a pinned one stands from its edge. */
  offsets: Record<string, CSSProperties>
}

export function Grid({ table, emptyText }: { table: TableModel; emptyText: string }) {
  const scroller = useRef<HTMLDivElement>(null)
  const id = useId()
  const [active, setActive] = useState<Place>()
  const [editing, setEditing] = useState<Place>()
  const { shown, rows, count, selection, expanded } = table
  const hasSelect = selection.mode === 'multiple'
  const hasExpand = table.detail !== '' && table.detail !== 'none'
  const lead = (hasSelect ? leadWidth : 0) + (hasExpand ? leadWidth : 0)
  const { template, offsets } = useMemo(() => widthsOf(shown, rows, lead), [shown, rows, lead])
  const layout: GridLayout = useMemo(() => ({ hasSelect, hasExpand, offsets }), [hasSelect, hasExpand, offsets])
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => {
      if (expanded.size === 0) return rowHeight
      const placed = table.rowAt(at)
      return rowHeight + (placed && expanded.has(placed.key) ? detailHeight : 0)
    },
    overscan: 8,
  })
  useEffect(() => virtual.measure(), [virtual, expanded])
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 })
    setActive(undefined)
    setEditing(undefined)
  }, [table.order, table.page.page])
  // New data leaves everybody where they are, and what is being written: unless its row went elsewhere.
  const keyAt = (row: number) => table.rowAt(row)?.key
  useLayoutEffect(() => {
    const isThere = (place: Place | undefined) => place === undefined || place.row < 0 || keyAt(place.row) === place.key
    setActive((place) => (isThere(place) ? place : undefined))
    setEditing((place) => (isThere(place) ? place : undefined))
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- where rows are changes with them alone
  }, [rows])

  const selectedPosition = table.positionOf(selection.selectedIndex)
  const at: Place | undefined = active ?? (selection.mode === 'single' && selectedPosition >= 0 ? { row: selectedPosition, column: 0 } : undefined)
  const goTo = (row: number, column: number, selects = false) => {
    const place = { row: Math.max(-1, Math.min(count - 1, row)), column: Math.max(0, Math.min(shown.length - 1, column)) }
    const placed = table.rowAt(place.row)
    setActive({ ...place, key: placed?.key })
    if (place.row >= 0) virtual.scrollToIndex(place.row)
    if (selects && placed && placed.index >= 0 && selection.mode === 'single') selection.selectOne(placed.index)
    requestAnimationFrame(() => document.getElementById(cellId(id, place))?.scrollIntoView({ block: 'nearest', inline: 'nearest' }))
  }
  const begin = (place: Place) => {
    const column = shown[place.column]
    const placed = table.rowAt(place.row)
    if (!column || !placed || table.isSaving || !isEditable(column, placed)) return false
    setActive({ ...place, key: placed.key })
    if (column.type === 'boolean') table.edit(placed, column, toggled(placed.row[column.key]))
    else setEditing({ ...place, key: placed.key })
    return true
  }
  const finish = (place: Place, direction: Direction) => {
    setEditing(undefined)
    const by = { down: [1, 0], right: [0, 1], left: [0, -1], stay: [0, 0] }[direction] as [number, number]
    goTo(place.row + by[0], place.column + by[1])
    scroller.current?.focus()
  }
  /** Follows the link or presses the button in the cell. */
  const follow = (place: Place) => {
    if (place.row < 0) return sortNext(table, shown[place.column]?.key ?? '')
    const control = document.getElementById(cellId(id, place))?.querySelector<HTMLElement>('a, button')
    if (control) return control.click()
    const placed = table.rowAt(place.row)
    if (placed && hasExpand) table.expand(placed)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - headHeight) / rowHeight))
    const { row, column } = at ?? { row: -1, column: 0 }
    const far = event.ctrlKey || event.metaKey
    const moves: Record<string, [number, number]> = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      PageDown: [row + page, column],
      PageUp: [Math.max(0, row - page), column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      Home: far || selection.mode === 'single' ? [0, far ? 0 : column] : [row, 0],
      End: far || selection.mode === 'single' ? [count - 1, far ? shown.length - 1 : column] : [row, shown.length - 1],
    }
    const target = moves[event.key]
    if (event.altKey) {
      if (event.key !== 'ArrowDown' || row >= 0) return
      document.getElementById(cellId(id, { row, column }))?.querySelector<HTMLElement>('.table-head-menu')?.click()
    } else if (target) goTo(target[0], target[1], event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')
    else if (!at) return
    else if (event.key === 'F2') begin(at)
    else if (event.key === 'Enter') {
      if (!begin(at)) follow(at)
    } else if (event.key === ' ') {
      const placed = table.rowAt(at.row)
      if (!placed || placed.index < 0) return
      if (hasSelect) selection.toggle(placed.index)
      else if (selection.mode === 'single') selection.selectOne(placed.index)
    } else if (event.key === 'Escape') setActive(undefined)
    else return
    event.preventDefault()
  }
  const canSelectAll = table.shownCount > 0 && table.shownCount <= mostSelected
  const isAllSelected = canSelectAll && selection.count >= table.shownCount
  const selectAll = () => {
    if (isAllSelected) return selection.clear()
    const list = Array.from({ length: table.count }, (_, position) => table.rowAt(position)).flatMap((placed) => (placed && placed.index >= 0 ? [placed.original] : []))
    selection.selectAll(list)
  }
  const shift = (hasSelect ? 1 : 0) + (hasExpand ? 1 : 0)
  const hasSummary = shown.some((column) => column.summary)
  return (
    <div
      ref={scroller}
      className={['grid', selection.mode === 'none' ? '' : 'selectable', editing ? 'is-editing' : ''].filter(Boolean).join(' ')}
      role="grid"
      aria-label={table.name}
      aria-rowcount={count + 1 + (hasSummary ? 1 : 0)}
      aria-colcount={shown.length + shift}
      aria-multiselectable={hasSelect || undefined}
      aria-activedescendant={at && !editing ? cellId(id, at) : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      style={{ '--columns': template } as CSSProperties}
    >
      <div className="grid-head" role="rowgroup">
        <div className="grid-row" role="row" aria-rowindex={1}>
          {hasExpand ? <div className="cell lead pinned" role="columnheader" aria-label={t('Details')} style={{ left: 0 }} /> : null}
          {hasSelect ? (
            <div className="cell lead pinned" role="columnheader" aria-label={t('Selection')} style={{ left: hasExpand ? leadWidth : 0 }}>
              <input type="checkbox" tabIndex={-1} aria-label={t('Select all rows')} title={canSelectAll ? undefined : t('Filter to {count} rows or fewer to select all.', { count: mostSelected })} disabled={!canSelectAll} checked={isAllSelected} onChange={selectAll} />
            </div>
          ) : null}
          {shown.map((column, index) => (
            <HeadCell key={column.key} table={table} column={column} id={cellId(id, { row: -1, column: index })} index={index + 1 + shift} isActive={at?.row === -1 && at.column === index} className={`cell ${column.align} ${column.pin ? 'pinned' : ''}`} style={offsets[column.key]} />
          ))}
        </div>
      </div>
      {count === 0 ? (
        <div role="rowgroup">
          <div className="grid-note" role="row">
            <span role="gridcell">{emptyText}</span>
          </div>
        </div>
      ) : (
        <div className="grid-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const placed = table.rowAt(item.index)
            if (!placed) return null
            const isHere = (place: Place | undefined) => (place?.row === item.index ? place.column : undefined)
            return (
              <DataRow
                key={item.key}
                table={table}
                placed={placed}
                layout={layout}
                id={id}
                position={item.index}
                start={item.start}
                activeColumn={isHere(at)}
                editingColumn={isHere(editing)}
                onActive={(column) => {
                  setActive({ row: item.index, column, key: placed.key })
                  scroller.current?.focus({ preventScroll: true })
                }}
                onBegin={(column) => begin({ row: item.index, column })}
                onFinish={(column, direction) => finish({ row: item.index, column }, direction)}
              />
            )
          })}
        </div>
      )}
      {hasSummary && count > 0 ? (
        <div className="grid-foot" role="rowgroup">
          <div className="grid-row" role="row" aria-rowindex={count + 2}>
            {Array.from({ length: shift }, (_, index) => (
              <div key={index} className="cell lead" role="gridcell" />
            ))}
            {shown.map((column) => (
              <div key={column.key} role="gridcell" className={`cell ${column.align} ${column.pin ? 'pinned' : ''}`} style={offsets[column.key]}>
                {column.summary && table.sums[column.key] !== undefined ? (
                  <span title={column.summary}>
                    <span className="muted">{column.summary}</span> {column.summary === 'count' ? (table.sums[column.key] ?? 0).toLocaleString(valueLocale) : cellText(table.sums[column.key], column)}
                  </span>
                ) : null}
              </div>
            ))}
          </div>
        </div>
      ) : null}
    </div>
  )
}

export function cellId(id: string, { row, column }: Place): string {
  return `${id}-${row}-${column}`
}

export function isEditable(column: Column, { index }: Placed): boolean {
  return column.isEditable || (index < 0 && column.type !== 'button')
}

/** Each as wide as its content asks for, the rest shared; pinned ones and those that were made wider are as wide as they are. */
function widthsOf(columns: Column[], rows: Record<string, unknown>[], lead: number): { template: string; offsets: Record<string, CSSProperties> } {
  const widths = columns.map((column) => column.width ?? contentWidth(column, rows))
  const offsets: Record<string, CSSProperties> = {}
  let left = lead
  let right = 0
  columns.forEach((column, index) => {
    if (column.pin !== 'left') return
    offsets[column.key] = { left }
    left += widths[index] ?? 0
  })
  for (let index = columns.length - 1; index >= 0; index -= 1) {
    const column = columns[index]
    if (column?.pin !== 'right') continue
    offsets[column.key] = { right }
    right += widths[index] ?? 0
  }
  const tracks = columns.map((column, index) => {
    const width = widths[index] ?? 100
    return column.pin || column.width !== undefined ? `${width}px` : `minmax(${width}px, ${width}fr)`
  })
  // When all are fixed, an empty track takes what is left over.
  const isFixed = columns.every((column) => column.pin !== undefined || column.width !== undefined)
  const leads = Array.from({ length: lead / leadWidth }, () => `${leadWidth}px`)
  return { template: [...leads, ...tracks, ...(isFixed ? ['1fr'] : [])].join(' '), offsets }
}
