/** What can be done with a column, also by those who drag nothing. */
import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp, EyeOff, Pin, PinOff, UnfoldHorizontal } from 'lucide-react'
import type { KeyboardEvent } from 'react'
import type { IconType } from '../../../ui/icons'
import { Popover } from '../../Popover'
import { t } from '../../../messages/messages'
import { type Column, movedOrder } from './columns'
import type { TableModel } from './use-table'

interface Props {
  table: TableModel
  column: Column
  anchor: HTMLElement
  onWiden: (by: number) => void
  onClose: () => void
}

const step = 40

export function ColumnMenu({ table, column, anchor, onWiden, onClose }: Props) {
  const { key } = column
  const at = table.shown.findIndex((one) => one.key === key)
  const neighbour = (by: number) => {
    const next = table.shown[at + by]
    return next && next.pin === column.pin ? next : undefined
  }
  const pin = (side: 'left' | 'right' | 'none') => table.setView((view) => ({ ...view, pins: { ...view.pins, [key]: side } }))
  const move = (by: number) => {
    const next = neighbour(by)
    if (next) table.setView((view) => ({ ...view, order: movedOrder(table.shown, key, next.key) }))
  }
  const items: [IconType, string, (() => void) | false][] = [
    [ArrowUp, t('Sort ascending'), table.flags.isSortable && (() => table.setOrder({ sort: { key, direction: 'ascending' } }, 'sort-change'))],
    [ArrowDown, t('Sort descending'), table.flags.isSortable && (() => table.setOrder({ sort: { key, direction: 'descending' } }, 'sort-change'))],
    [ArrowLeft, t('Move left'), neighbour(-1) !== undefined && (() => move(-1))],
    [ArrowRight, t('Move right'), neighbour(1) !== undefined && (() => move(1))],
    [Pin, t('Pin to the left'), column.pin !== 'left' && (() => pin('left'))],
    [Pin, t('Pin to the right'), column.pin !== 'right' && (() => pin('right'))],
    [PinOff, t('Unpin'), column.pin !== undefined && (() => pin('none'))],
    [UnfoldHorizontal, t('Wider'), () => onWiden(step)],
    [UnfoldHorizontal, t('Narrower'), () => onWiden(-step)],
    [EyeOff, t('Hide column'), table.shown.length > 1 && (() => table.setView((view) => ({ ...view, hidden: { ...view.hidden, [key]: true } })))],
  ]
  const onKey = (event: KeyboardEvent<HTMLDivElement>) => {
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=menuitem]')]
    const now = all.findIndex((item) => item === document.activeElement)
    const to = { ArrowDown: (now + 1) % all.length, ArrowUp: (now - 1 + all.length) % all.length, Home: 0, End: all.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    all[to]?.focus()
  }
  return (
    <Popover anchor={anchor} label={t('Column {name}', { name: column.label })} role="group" onClose={onClose}>
      <div role="menu" tabIndex={-1} aria-label={t('Column {name}', { name: column.label })} className="table-menu" onKeyDown={onKey}>
        {items.map(([Icon, text, act]) =>
          act ? (
            <button
              key={text}
              type="button"
              role="menuitem"
              tabIndex={-1}
              className="menu-item"
              onClick={() => {
                act()
                onClose()
              }}
            >
              <Icon className="icon" strokeWidth={1.5} aria-hidden />
              {text}
            </button>
          ) : null,
        )}
      </div>
    </Popover>
  )
}
