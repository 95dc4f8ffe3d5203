/** One row of a table, and below it what it shows when it is open. */
import { ChevronRight, X } from 'lucide-react'
import { textOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'
import { Cell } from './Cell'
import { CellEditor, type Direction } from './CellEditor'
import { type GridLayout, cellId, isEditable } from './Grid'
import { RowDetail } from './RowDetail'
import type { Placed, TableModel } from './use-table'

interface Props {
  table: TableModel
  placed: Placed
  layout: GridLayout
  id: string
  position: number
  start: number
  activeColumn: number | undefined
  editingColumn: number | undefined
  onActive: (column: number) => void
  /** True when the cell is edited now. */
  onBegin: (column: number) => boolean
  onFinish: (column: number, direction: Direction) => void
}

const tones = new Set(['info', 'success', 'warning', 'danger'])

export function DataRow({ table, placed, layout, id, position, start, activeColumn, editingColumn, onActive, onBegin, onFinish }: Props) {
  const { row, key, index } = placed
  const { selection } = table
  const isSelected = index >= 0 && (selection.mode === 'multiple' ? selection.keys.has(key) : selection.mode === 'single' && selection.selectedIndex === index)
  const isOpen = table.expanded.has(key)
  const tone = table.toneOf(placed)
  const shift = (layout.hasSelect ? 1 : 0) + (layout.hasExpand ? 1 : 0)
  return (
    <div role="presentation" className="table-item" style={{ transform: `translateY(${start}px)` }}>
      <div
        className={['grid-row', tones.has(tone) ? `tone-${tone}` : '', index < 0 ? 'is-new' : ''].filter(Boolean).join(' ')}
        role="row"
        aria-rowindex={position + 2}
        aria-selected={selection.mode === 'none' ? undefined : isSelected}
        onClick={() => {
          if (selection.mode === 'single' && index >= 0) selection.selectOne(index)
        }}
      >
        {layout.hasExpand ? (
          <div className="cell lead pinned" role="gridcell" style={{ left: 0 }}>
            {index < 0 ? null : (
              <button
                type="button"
                tabIndex={-1}
                className="table-icon"
                aria-label={isOpen ? t('Close details') : t('Open details')}
                aria-expanded={isOpen}
                onClick={(event) => {
                  event.stopPropagation()
                  table.expand(placed)
                }}
              >
                <ChevronRight className={isOpen ? 'icon is-open' : 'icon'} strokeWidth={1.5} aria-hidden />
              </button>
            )}
          </div>
        ) : null}
        {layout.hasSelect ? (
          <div className="cell lead pinned" role="gridcell" style={{ left: layout.hasExpand ? 40 : 0 }}>
            {index < 0 ? (
              <button type="button" tabIndex={-1} className="table-icon" aria-label={t('Remove the new row')} onClick={() => table.removeNewRow(index)}>
                <X className="icon" strokeWidth={1.5} aria-hidden />
              </button>
            ) : (
              <input type="checkbox" tabIndex={-1} aria-label={t('Select row {name}', { name: textOf(key).slice(0, 60) })} checked={isSelected} onChange={() => selection.toggle(index)} onClick={(event) => event.stopPropagation()} />
            )}
          </div>
        ) : null}
        {table.shown.map((column, at) => {
          const isEditing = editingColumn === at
          const canEdit = isEditable(column, placed)
          const classes = ['cell', column.align, `type-${column.type}`, column.pin ? 'pinned' : '', activeColumn === at ? 'is-active' : '', table.isChanged(placed, column) ? 'is-changed' : '', canEdit ? 'is-editable' : '', isEditing ? 'is-edited' : '']
          return (
            <div
              key={column.key}
              id={cellId(id, { row: position, column: at })}
              role="gridcell"
              aria-colindex={at + 1 + shift}
              aria-readonly={canEdit ? undefined : true}
              className={classes.filter(Boolean).join(' ')}
              style={layout.offsets[column.key]}
              onClick={() => {
                if (!isEditing) onActive(at)
                if (canEdit && column.type === 'boolean') onBegin(at)
              }}
              onDoubleClick={() => onBegin(at)}
            >
              {isEditing ? (
                <CellEditor
                  column={column}
                  value={row[column.key]}
                  onTake={(value, direction) => {
                    table.edit(placed, column, value)
                    onFinish(at, direction)
                  }}
                  onLeave={() => onFinish(at, 'stay')}
                />
              ) : (
                <Cell column={column} value={row[column.key]} onAct={() => table.act(column, placed)} />
              )}
            </div>
          )
        })}
      </div>
      {isOpen ? <RowDetail table={table} row={row} span={table.shown.length + shift} /> : null}
    </div>
  )
}
