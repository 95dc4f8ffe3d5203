/** Rows of data: sorted, searched, selected, edited and taken away as files. */
import { CircleAlert } from 'lucide-react'
import { textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { SkeletonRows } from '../../../ui/states'
import { type ViewProps, useProperty, useQueriesOf, useRuntime } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { Grid } from './Grid'
import { Pager } from './Pager'
import { Toolbar, hasToolbar } from './Toolbar'
import { useTable } from './use-table'

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const emptyText = textOf(useProperty(name, 'empty-text')) || t('Nothing to show.')
  const queries = useQueriesOf(name, 'data')
  const failed = queries.find(({ state }) => state.status === 'failed')
  const isLoading = queries.some(({ state }) => state.status === 'loading')
  const isFirst = isLoading && queries.every(({ state }) => !state.result)
  const isWaiting = queries.some(({ state }) => state.status === 'waiting')
  const truncated = queries.find(({ state }) => state.result?.truncated)
  const table = useTable(props, !isLoading)
  const hasBar = hasToolbar(table)
  const isNarrowed = table.shownCount < table.rows.length

  return (
    <div className="app-table" aria-busy={isLoading || table.isArranging}>
      {isLoading || table.isArranging ? <div className="app-progress" /> : null}
      {failed ? (
        <div className="app-failed" role="alert">
          <div className="app-fault">
            <CircleAlert className="icon" aria-hidden />
            <span>
              <strong>{failed.name}</strong> {failed.state.message}
            </span>
          </div>
          <Button size="small" onClick={() => void runtime.runQuery(failed.name)}>
            {t('Try again')}
          </Button>
        </div>
      ) : isFirst ? (
        <SkeletonRows count={8} />
      ) : (
        <>
          {hasBar ? <Toolbar table={table} /> : null}
          <Grid table={table} emptyText={isWaiting ? t('Nothing to show yet.') : isNarrowed ? t('No row matches the search and filters.') : truncated ? `${emptyText} ${t('(cut at the row limit)')}` : emptyText} />
          {hasBar || table.isPaged || table.selection.mode === 'multiple' ? <Pager table={table} isLoading={isLoading} /> : null}
        </>
      )}
    </div>
  )
}
