/** Below the rows: how many there are, and, where a query brings them page by page, which page shows. */
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { Button } from '../../../ui/Button'
import { pageCount, pageSizes } from './paging'
import type { TableModel } from './use-table'

export function Pager({ table, isLoading }: { table: TableModel; isLoading: boolean }) {
  const { page, pageSize, offset, rowCount } = table.page
  const pages = pageCount(rowCount, pageSize)
  const last = offset + table.shownCount
  const isLast = pages === undefined ? table.shownCount < pageSize : page >= pages
  const sizes = [...new Set([...pageSizes, pageSize])].sort((a, b) => a - b)
  const chosen = table.selection.mode === 'multiple' && table.selection.count > 0 ? `, ${table.selection.count.toLocaleString()} selected` : ''
  const amount = table.isPaged
    ? `${table.shownCount === 0 ? 0 : (offset + 1).toLocaleString()}–${last.toLocaleString()}${rowCount === null ? '' : ` of ${rowCount.toLocaleString()}`}`
    : table.shownCount === table.rows.length
      ? `${table.rows.length.toLocaleString()} ${table.rows.length === 1 ? 'row' : 'rows'}`
      : `${table.shownCount.toLocaleString()} of ${table.rows.length.toLocaleString()} rows`
  return (
    <div className="table-foot">
      <span className="muted nowrap grow" role="status">
        {amount}
        {chosen}
      </span>
      {table.isPaged ? (
        <>
          <label className="table-page-size">
            <span className="muted">Rows</span>
            <select className="input" value={pageSize} onChange={(event) => table.setPage(1, Number(event.target.value))}>
              {sizes.map((size) => (
                <option key={size} value={size}>
                  {size}
                </option>
              ))}
            </select>
          </label>
          <Button variant="ghost" size="small" icon={ChevronLeft} label="Page before" disabled={page <= 1 || isLoading} onClick={() => table.setPage(page - 1)} />
          <span className="nowrap">
            Page {page.toLocaleString()}
            {pages === undefined ? '' : ` of ${pages.toLocaleString()}`}
          </span>
          <Button variant="ghost" size="small" icon={ChevronRight} label="Next page" disabled={isLast || isLoading} onClick={() => table.setPage(page + 1)} />
        </>
      ) : null}
    </div>
  )
}
