/** The head of a column: sorts, is dragged to another place, is made wider at its edge, and opens the column's menu. */
import { ArrowDown, ArrowUp, EllipsisVertical } from 'lucide-react'
import { type CSSProperties, type PointerEvent, useRef, useState } from 'react'
import { t } from '../../../messages/messages'
import { ColumnMenu } from './ColumnMenu'
import { type Column, boundedWidth, movedOrder } from './columns'
import type { TableModel } from './use-table'

interface Props {
  table: TableModel
  column: Column
  id: string
  index: number
  isActive: boolean
  className: string
  style: CSSProperties | undefined
}

export const draggedType = 'application/x-table-column'

export function sortNext(table: TableModel, key: string): void {
  if (!table.flags.isSortable) return
  const now = table.order.sort
  table.setOrder({ sort: now?.key !== key ? { key, direction: 'ascending' } : now.direction === 'ascending' ? { key, direction: 'descending' } : null }, 'sort-change')
}

export function HeadCell({ table, column, id, index, isActive, className, style }: Props) {
  const cell = useRef<HTMLDivElement>(null)
  const [anchor, setAnchor] = useState<HTMLElement>()
  const [isOver, setOver] = useState(false)
  const held = useRef<{ x: number; width: number }>(undefined)
  const sort = table.order.sort?.key === column.key ? table.order.sort : undefined
  const Arrow = sort?.direction === 'descending' ? ArrowDown : ArrowUp
  const { isSortable, hasColumnMenu } = table.flags
  const widen = (width: number) => table.setView((view) => ({ ...view, widths: { ...view.widths, [column.key]: boundedWidth(width) } }))
  const grip = {
    onPointerDown: (event: PointerEvent) => {
      held.current = { x: event.clientX, width: cell.current?.offsetWidth ?? 100 }
      event.currentTarget.setPointerCapture(event.pointerId)
      event.preventDefault()
    },
    onPointerMove: (event: PointerEvent) => {
      if (held.current) widen(held.current.width + event.clientX - held.current.x)
    },
    onPointerUp: () => {
      held.current = undefined
    },
  }
  return (
    <div
      ref={cell}
      id={id}
      role="columnheader"
      aria-colindex={index}
      aria-sort={isSortable ? (sort?.direction ?? 'none') : undefined}
      className={[className, isActive ? 'is-active' : '', isOver ? 'is-over' : ''].filter(Boolean).join(' ')}
      style={style}
      draggable={hasColumnMenu}
      onDragStart={(event) => {
        if (held.current) return event.preventDefault()
        event.dataTransfer.setData(draggedType, column.key)
      }}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(draggedType)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false)
        const key = event.dataTransfer.getData(draggedType)
        if (key === '') return
        event.preventDefault()
        event.stopPropagation()
        table.setView((view) => ({ ...view, order: movedOrder(table.shown, key, column.key) }))
      }}
    >
      {isSortable ? (
        <button type="button" tabIndex={-1} className="grid-sort" onClick={() => sortNext(table, column.key)}>
          <span className="truncate">{column.label}</span>
          {sort ? <Arrow className="icon" size={12} aria-hidden /> : null}
        </button>
      ) : (
        <span className="truncate">{column.label}</span>
      )}
      {hasColumnMenu ? (
        <>
          <button type="button" tabIndex={-1} className="table-head-menu" aria-label={t('Menu of {name}', { name: column.label })} aria-haspopup="menu" aria-expanded={anchor !== undefined} onClick={(event) => setAnchor(event.currentTarget)}>
            <EllipsisVertical className="icon" size={14} strokeWidth={1.5} aria-hidden />
          </button>
          <span className="table-grip" {...grip} />
        </>
      ) : null}
      {anchor ? <ColumnMenu table={table} column={column} anchor={anchor} onWiden={(by) => widen((cell.current?.offsetWidth ?? 100) + by)} onClose={() => setAnchor(undefined)} /> : null}
    </div>
  )
}
