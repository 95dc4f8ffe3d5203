/**
 * The rows of a table as a spreadsheet: virtual, with a selected range, edited in place. The keyboard does all of it: arrows and Tab move, Shift
 * widens, Enter or typing edits, Delete makes null. Escape gives Tab back to the page.
 */
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { type CSSProperties, type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { RowSort, TableDefinition } from '../api/types'
import { ErrorState, SkeletonRows } from '../ui/states'
import { CellEditor, type Onward } from './CellEditor'
import { type Cell, type SheetFault, cellOf, isNew, isNumericType, redo, undo } from './edits'
import { type Place, type SheetModel, type SheetProps, rangeOf, useSheet } from './use-sheet'

const rowHeight = 32
const headHeight = 44
const [minWidth, maxWidth] = [96, 340]
const sampleRows = 60

interface Props extends SheetProps {
  faults: readonly SheetFault[]
  sort: RowSort[]
  onSort: (sort: RowSort[]) => void
  /** Tells the page's tools what they can act on. */
  onModel: (model: SheetModel) => void
}

export function SheetGrid(props: Props) {
  const { table, history, onHistory, faults, sort, onSort, canEdit, onModel } = props
  const scroller = useRef<HTMLDivElement>(null)
  const id = useId()
  const [visible, setVisible] = useState({ from: 0, to: 0 })
  const model = useSheet(props, visible)
  const { count, selection, setSelection, cellAt } = model
  const [editing, setEditing] = useState<{ place: Place; text: string; isTyped: boolean }>()
  const [isLeaving, setLeaving] = useState(false)
  const virtual = useVirtualizer({ count, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12, scrollMargin: headHeight, scrollPaddingStart: headHeight })
  const items = virtual.getVirtualItems()
  const [from, to] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0]
  useEffect(() => setVisible((now) => (now.from === from && now.to === to ? now : { from, to })), [from, to])
  useEffect(() => onModel(model))
  const head = selection.head
  const range = rangeOf(selection)
  const template = useMemo(() => widthsOf(table, (model.first.data?.rows ?? []) as Cell[][]), [table, model.first.data])
  const wrong = new Map(faults.filter(({ column }) => column).map((fault) => [`${fault.row} ${fault.column}`, fault]))

  const show = ({ row, column }: Place) => {
    virtual.scrollToIndex(row)
    requestAnimationFrame(() => document.getElementById(`${id}-${row}-${column}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' }))
  }
  const move = (row: number, column: number, isWider = false) => {
    const place = { row: Math.max(0, Math.min(count - 1, row)), column: Math.max(0, Math.min(table.columns.length - 1, column)) }
    setSelection({ anchor: isWider ? selection.anchor : place, head: place })
    show(place)
  }
  const edit = (text?: string) => {
    if (!model.isWritable(head.row, head.column)) return
    setEditing({ place: head, text: text ?? cellAt(head.row, head.column) ?? '', isTyped: text !== undefined })
  }
  const close = (text: string | undefined, by: Onward) => {
    const place = editing?.place
    setEditing(undefined)
    if (by !== 'blur') scroller.current?.focus()
    if (!place) return
    if (text !== undefined && text !== (cellAt(place.row, place.column) ?? '')) {
      const at = { top: place.row, bottom: place.row, left: place.column, right: place.column }
      model.write(at, (type) => cellOf(text, type))
    }
    if (by === 'down') move(place.row + 1, place.column)
    if (by === 'right') move(place.row, place.column + 1)
    if (by === 'left') move(place.row, place.column - 1)
  }
  const tab = (event: KeyboardEvent) => {
    const at = head.row * table.columns.length + head.column + (event.shiftKey ? -1 : 1)
    // Behind Escape, and at either end, the page has its key.
    if (isLeaving || at < 0 || at >= count * table.columns.length) return
    event.preventDefault()
    move(Math.floor(at / table.columns.length), at % table.columns.length)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return
    const page = Math.max(1, Math.floor(((scroller.current?.clientHeight ?? 0) - headHeight) / rowHeight))
    const isControl = event.ctrlKey || event.metaKey
    if (event.key !== 'Tab') setLeaving(event.key === 'Escape')
    const last = { row: count - 1, column: table.columns.length - 1 }
    const target: Record<string, [number, number]> = {
      ArrowDown: [isControl ? last.row : head.row + 1, head.column],
      ArrowUp: [isControl ? 0 : head.row - 1, head.column],
      ArrowRight: [head.row, isControl ? last.column : head.column + 1],
      ArrowLeft: [head.row, isControl ? 0 : head.column - 1],
      PageDown: [head.row + page, head.column],
      PageUp: [head.row - page, head.column],
      Home: [isControl ? 0 : head.row, 0],
      End: [isControl ? last.row : head.row, last.column],
    }
    const moved = target[event.key]
    if (moved) {
      event.preventDefault()
      return move(...moved, event.shiftKey)
    }
    if (event.key === 'Tab') return tab(event)
    if (isControl) {
      const key = event.key.toLowerCase()
      if (key === 'z' || key === 'y') {
        event.preventDefault()
        onHistory(key === 'y' || event.shiftKey ? redo(history) : undo(history))
      } else if (key === 'a') {
        event.preventDefault()
        setSelection({ anchor: { row: 0, column: 0 }, head: last })
      }
      return
    }
    if (event.key === 'Enter' || event.key === 'F2') {
      event.preventDefault()
      edit()
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault()
      if (canEdit) model.write(range, () => null)
    } else if (event.key.length === 1 && !event.altKey) {
      event.preventDefault()
      edit(event.key)
    }
  }
  const sortBy = (column: string, isMore: boolean) => {
    const now = sort.find((one) => one.column === column)
    const next = !now ? [{ column, descending: false }] : now.descending ? [] : [{ column, descending: true }]
    onSort([...(isMore ? sort.filter((one) => one.column !== column) : []), ...next])
  }

  if (model.failure) return <ErrorState error={model.failure} onRetry={() => void model.first.refetch()} />
  if (!model.first.data) return <SkeletonRows count={10} />
  return (
    <div
      ref={scroller}
      className="sheet"
      role="grid"
      aria-label={`Rows of ${table.name}`}
      aria-rowcount={count + 1}
      aria-colcount={table.columns.length}
      aria-multiselectable
      aria-readonly={!canEdit}
      aria-activedescendant={count > 0 ? `${id}-${head.row}-${head.column}` : undefined}
      aria-describedby={`${id}-keys`}
      tabIndex={0}
      style={{ '--columns': template } as CSSProperties}
      onKeyDown={onKeyDown}
      onCopy={(event) => {
        if (event.target === event.currentTarget && model.copy(event.clipboardData)) event.preventDefault()
      }}
      onCut={(event) => {
        if (event.target !== event.currentTarget || !canEdit || !model.copy(event.clipboardData)) return
        event.preventDefault()
        model.write(range, () => null)
      }}
      onPaste={(event) => {
        if (event.target !== event.currentTarget) return
        event.preventDefault()
        model.paste(event.clipboardData)
      }}
    >
      <div className="sheet-head" role="rowgroup">
        <div className="sheet-row" role="row" aria-rowindex={1}>
          {table.columns.map((column) => {
            const now = sort.find((one) => one.column === column.name)
            const Arrow = now?.descending ? ArrowDown : ArrowUp
            return (
              <div key={column.name} className="sheet-cell" role="columnheader" aria-sort={now ? (now.descending ? 'descending' : 'ascending') : 'none'}>
                <button type="button" tabIndex={-1} className="sheet-sort" title={`Sort by ${column.name}; with Shift besides the others`} onClick={(event) => sortBy(column.name, event.shiftKey)}>
                  <span className="truncate">{column.name}</span>
                  {now ? <Arrow className="icon" size={12} aria-hidden /> : null}
                </button>
                <span className="sheet-type truncate">
                  {table.key.includes(column.name) ? 'key · ' : ''}
                  {column.type}
                </span>
              </div>
            )
          })}
        </div>
      </div>
      {count === 0 ? <p className="sheet-note muted">{canEdit ? 'No rows here. Add one, paste some, or import a file.' : 'No rows here.'}</p> : null}
      <div className="sheet-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = model.idOf(item.index)
          const state = row === undefined ? '' : isNew(row) ? ' added' : row in model.sheet.deleted ? ' deleted' : ''
          return (
            <div key={item.key} className={`sheet-row${state}`} role="row" aria-rowindex={item.index + 2} style={{ transform: `translateY(${item.start - headHeight}px)` }}>
              {table.columns.map((column, at) => {
                const value = cellAt(item.index, at)
                const isIn = item.index >= range.top && item.index <= range.bottom && at >= range.left && at <= range.right
                const fault = row === undefined ? undefined : wrong.get(`${row} ${column.name}`)
                const isChanged = row !== undefined && model.sheet.changed[row]?.[column.name] !== undefined
                const isHead = item.index === head.row && at === head.column
                const classes = ['sheet-cell', isNumericType(column.type) ? 'numeric' : '', isChanged ? 'changed' : '', fault ? 'wrong' : '', isHead ? 'head' : ''].filter(Boolean).join(' ')
                return (
                  <div
                    key={column.name}
                    id={`${id}-${item.index}-${at}`}
                    className={classes}
                    role="gridcell"
                    aria-colindex={at + 1}
                    aria-selected={isIn}
                    aria-invalid={fault ? true : undefined}
                    title={fault?.message}
                    onPointerDown={(event) => {
                      if (editing) return
                      const place = { row: item.index, column: at }
                      setSelection({ anchor: event.shiftKey ? selection.anchor : place, head: place })
                    }}
                    onPointerEnter={(event) => {
                      if (event.buttons === 1 && !editing && event.pointerType === 'mouse') setSelection({ anchor: selection.anchor, head: { row: item.index, column: at } })
                    }}
                    onDoubleClick={() => edit()}
                  >
                    <CellText value={value} isLoaded={model.isLoaded(item.index)} isNewRow={row !== undefined && isNew(row)} isCut={model.isCut(item.index, at)} />
                  </div>
                )
              })}
            </div>
          )
        })}
        {editing ? <CellEditor key={`${editing.place.row} ${editing.place.column}`} anchor={`${id}-${editing.place.row}-${editing.place.column}`} label={`${table.columns[editing.place.column]?.name} of row ${editing.place.row + 1}`} text={editing.text} isTyped={editing.isTyped} onClose={close} /> : null}
      </div>
      <p id={`${id}-keys`} className="visually-hidden">
        Arrow keys and Tab move, Enter edits, Delete makes a cell null. Escape and then Tab leave the table.
      </p>
    </div>
  )
}

function CellText({ value, isLoaded, isNewRow, isCut }: { value: Cell | undefined; isLoaded: boolean; isNewRow: boolean; isCut: boolean }) {
  if (!isLoaded) return <span className="skeleton skeleton-62" />
  if (value === undefined) return <span className="sheet-null">{isNewRow ? 'default' : ''}</span>
  if (value === null) return <span className="sheet-null">NULL</span>
  return <span className="truncate">{isCut ? `${value.slice(0, 300)}… (too long to edit here)` : value.slice(0, 300)}</span>
}

/** `grid-template-columns`: each as wide as its first rows ask for. */
function widthsOf(table: TableDefinition, rows: readonly (readonly Cell[])[]): string {
  return table.columns
    .map(({ name, type }, at) => {
      const longest = rows.slice(0, sampleRows).reduce((most, row) => Math.max(most, row[at]?.length ?? 4), Math.max(name.length + 2, type.length + (table.key.includes(name) ? 6 : 0)))
      return `${Math.round(Math.min(maxWidth, Math.max(minWidth, longest * 7.6 + 26)))}px`
    })
    .join(' ')
}

