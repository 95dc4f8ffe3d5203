/** What an open row shows: all that it holds, or what stands in one of its columns. */
import { jsonOf, textOf } from '../../../runtime/values'
import { JsonView } from '../../../ui/JsonView'
import { titleOf } from '../../../ui/grid-columns'
import '../../display.css'
import type { Row } from '../../rows'
import { t } from '../../../messages/messages'
import type { TableModel } from './use-table'

export function RowDetail({ table, row, span }: { table: TableModel; row: Row; span: number }) {
  const value = table.detail === 'all' ? row : jsonOf(row[table.detail])
  const isFields = table.detail === 'all' || (typeof value === 'object' && value !== null && !Array.isArray(value))
  return (
    <div role="row" className="table-detail">
      <div role="gridcell" aria-colspan={span}>
        {isFields ? (
          <dl className="app-pairs">
            {Object.entries(value as Row).map(([key, item]) => (
              <div key={key}>
                <dt>{table.columns.find((column) => column.key === key)?.label ?? titleOf(key)}</dt>
                <dd>{typeof item === 'object' && item !== null ? <JsonView value={item} /> : textOf(item) || '–'}</dd>
              </div>
            ))}
          </dl>
        ) : Array.isArray(value) ? (
          <JsonView value={value} />
        ) : (
          <p className="table-detail-text">{textOf(value) || t('Nothing more.')}</p>
        )}
      </div>
    </div>
  )
}
