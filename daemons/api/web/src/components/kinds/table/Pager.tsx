/** Below the rows: how many there are, and, where a query brings them page by page, which page shows. */
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { Button } from '../../../ui/Button'
import { plural, t } from '../../../messages/messages'
import { pageCount, pageSizes } from './paging'
import type { TableModel } from './use-table'

export function Pager({ table, isLoading }: { table: TableModel; isLoading: boolean }) {
  const { page, pageSize, offset, rowCount } = table.page
  const pages = pageCount(rowCount, pageSize)
  const last = offset + table.shownCount
  const isLast = pages === undefined ? table.shownCount < pageSize : page >= pages
  const sizes = [...new Set([...pageSizes, pageSize])].sort((a, b) => a - b)
  const chosen = table.selection.mode === 'multiple' && table.selection.count > 0 ? `, ${plural(table.selection.count, '{count} selected', '{count} selected')}` : ''
  const span = { first: table.shownCount === 0 ? 0 : offset + 1, last }
  const amount = table.isPaged
    ? rowCount === null ? t('{first}–{last}', span) : t('{first}–{last} of {total}', { ...span, total: rowCount })
    : table.shownCount === table.rows.length
      ? plural(table.rows.length, '{count} row', '{count} rows')
      : plural(table.rows.length, '{shown} of {count} row', '{shown} of {count} rows', { shown: table.shownCount })
  return (
    <div className="table-foot">
      <span className="muted nowrap grow" role="status">
        {amount}
        {chosen}
      </span>
      {table.isPaged ? (
        <>
          <label className="table-page-size">
            <span className="muted">{t('Rows')}</span>
            <select className="input" value={pageSize} onChange={(event) => table.setPage(1, Number(event.target.value))}>
              {sizes.map((size) => (
                <option key={size} value={size}>
                  {size}
                </option>
              ))}
            </select>
          </label>
          <Button variant="ghost" size="small" icon={ChevronLeft} label={t('Page before')} disabled={page <= 1 || isLoading} onClick={() => table.setPage(page - 1)} />
          <span className="nowrap">
            {pages === undefined ? t('Page {page}', { page }) : t('Page {page} of {pages}', { page, pages })}
          </span>
          <Button variant="ghost" size="small" icon={ChevronRight} label={t('Next page')} disabled={isLast || isLoading} onClick={() => table.setPage(page + 1)} />
        </>
      ) : null}
    </div>
  )
}
