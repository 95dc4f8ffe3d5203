/** Above the rows: search, filters, what was changed, columns, new rows and export. */
import { Columns3, Download, ListFilter, Plus, Search, X } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from '../../../ui/Button'
import { CheckField } from '../../../ui/Field'
import { exportFormats } from '../../../ui/export-formats'
import { bytes } from '../../../ui/format'
import { notify } from '../../../ui/toasts'
import { type Exporting, useExport } from '../../../ui/use-export'
import { Popover } from '../../Popover'
import { plural, t } from '../../../messages/messages'
import { FilterPanel } from './FilterPanel'
import { arrangedColumns } from './columns'
import type { TableModel } from './use-table'

const settleMs = 250
type Panel = { of: 'filters' | 'columns' | 'export'; anchor: HTMLElement }

export function hasToolbar(table: TableModel): boolean {
  const { isSearchable, isFilterable, isExportable, isExtendable, hasColumnMenu } = table.flags
  return isSearchable || isFilterable || isExportable || isExtendable || hasColumnMenu || table.columns.some((column) => column.isEditable)
}

export function Toolbar({ table }: { table: TableModel }) {
  const [panel, setPanel] = useState<Panel>()
  const { flags, changes, newRows } = table
  const whole = useExport()
  const open = (of: Panel['of']) => (event: { currentTarget: HTMLElement }) => setPanel({ of, anchor: event.currentTarget })
  const close = () => setPanel(undefined)
  const changeCount = changes.length + newRows.length
  return (
    <div className="table-bar">
      {flags.isSearchable ? <SearchField table={table} /> : null}
      {flags.isFilterable ? (
        <Button variant="ghost" size="small" icon={ListFilter} aria-haspopup="dialog" aria-expanded={panel?.of === 'filters'} onClick={open('filters')}>
          {table.order.filters.length > 0 ? t('Filters ({count})', { count: table.order.filters.length }) : t('Filters')}
        </Button>
      ) : null}
      <span className="grow" />
      {changeCount > 0 ? (
        <>
          <span className="muted nowrap" role="status">
            {plural(changeCount, '{count} row changed', '{count} rows changed')}
          </span>
          <Button size="small" disabled={table.isSaving} onClick={table.discard}>
            {t('Cancel')}
          </Button>
          {table.canSave ? (
            <Button size="small" variant="primary" isBusy={table.isSaving} onClick={() => void table.save()}>
              {t('Save')}
            </Button>
          ) : null}
        </>
      ) : null}
      {flags.isExtendable ? (
        <Button variant="ghost" size="small" icon={Plus} onClick={table.addRow}>
          {t('Add row')}
        </Button>
      ) : null}
      {flags.hasColumnMenu ? <Button variant="ghost" size="small" icon={Columns3} label={t('Columns')} aria-haspopup="dialog" aria-expanded={panel?.of === 'columns'} onClick={open('columns')} /> : null}
      {whole.count !== undefined ? (
        <Button variant="ghost" size="small" icon={X} onClick={whole.cancel}>
          {t('Cancel export ({size})', { size: bytes(whole.count) })}
        </Button>
      ) : null}
      {flags.isExportable && whole.count === undefined ? <Button variant="ghost" size="small" icon={Download} label={t('Export')} aria-haspopup="dialog" aria-expanded={panel?.of === 'export'} onClick={open('export')} /> : null}
      {panel ? (
        <Popover anchor={panel.anchor} label={{ filters: t('Filters'), columns: t('Columns'), export: t('Export') }[panel.of]} onClose={close}>
          {panel.of === 'filters' ? <FilterPanel table={table} /> : panel.of === 'columns' ? <ColumnPanel table={table} /> : <ExportPanel table={table} onDone={close} begin={whole.begin} />}
        </Popover>
      ) : null}
    </div>
  )
}

/** What is typed counts a moment later. */
function SearchField({ table }: { table: TableModel }) {
  const { search } = table.order
  const [typed, setTyped] = useState<string>()
  useEffect(() => {
    if (typed === undefined) return
    const timer = setTimeout(() => {
      if (typed !== search) table.setOrder({ search: typed }, 'search-change')
      setTyped(undefined)
    }, settleMs)
    return () => clearTimeout(timer)
    // The table is a new object with each drawing; what is typed alone decides.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [typed])
  return (
    <span className="table-search">
      <Search className="icon" size={14} strokeWidth={1.5} aria-hidden />
      <input className="input" type="search" aria-label={t('Search {name}', { name: table.name })} placeholder={t('Search')} value={typed ?? search} onChange={(event) => setTyped(event.target.value)} />
    </span>
  )
}

function ColumnPanel({ table }: { table: TableModel }) {
  return (
    <div className="table-panel">
      {table.columns.map((column) => {
        const isShown = table.shown.some((one) => one.key === column.key)
        return (
          <CheckField
            key={column.key}
            label={column.label}
            checked={isShown}
            disabled={isShown && table.shown.length === 1}
            onChange={(event) => table.setView((view) => ({ ...view, hidden: { ...view.hidden, [column.key]: !event.target.checked } }))}
          />
        )
      })}
      <Button size="small" variant="ghost" onClick={() => table.setView({ order: [], hidden: {}, pins: {}, widths: {} })}>
        {t('As they were')}
      </Button>
    </div>
  )
}

const exports = [
  ['csv', 'CSV'],
  ['xlsx', 'Excel (XLSX)'],
  ['json', 'JSON'],
] as const

function ExportPanel({ table, onDone, begin }: { table: TableModel; onDone: () => void; begin: (work: Exporting) => Promise<void> }) {
  const { wholeQuery } = table
  const save = async (format: (typeof exports)[number][0]) => {
    onDone()
    try {
      const { exportRows } = await import('./export')
      const rows = Array.from({ length: table.count }, (_, position) => table.rowAt(position)?.row ?? {})
      await exportRows(table.name, format, arrangedColumns(table.columns, table.view), rows)
    } catch (error) {
      notify(t('The table could not be exported: {problem}', { problem: error instanceof Error ? error.message : String(error) }), 'error')
    }
  }
  return (
    <div className="table-panel">
      {exports.map(([format, text]) => (
        <Button key={format} variant="ghost" size="small" onClick={() => void save(format)}>
          {text}
        </Button>
      ))}
      <p className="hint muted">{table.isPaged ? t('The rows of this page.') : plural(table.count, 'The row that shows.', 'The {count} rows that show.')}</p>
      {wholeQuery === undefined ? null : (
        <div className="table-panel-group" role="group" aria-label={t('Export all rows')}>
          <p className="hint muted">{t('All rows of the query:')}</p>
          {exportFormats.map(([format, text]) => (
            <Button
              key={format}
              variant="ghost"
              size="small"
              onClick={() => {
                onDone()
                void begin((onBytes, signal) => table.exportAll(wholeQuery, format, onBytes, signal))
              }}
            >
              {text}
            </Button>
          ))}
        </div>
      )}
    </div>
  )
}
