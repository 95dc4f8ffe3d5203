/** Rows of data, of which one can be selected. */
import { CircleAlert } from 'lucide-react'
import { useEffect, useMemo } from 'react'
import { textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { DataGrid } from '../../../ui/DataGrid'
import { columnsOf } from '../../../ui/grid-columns'
import { SkeletonRows } from '../../../ui/states'
import { type ViewProps, useProperty, useQueriesOf, useRuntime, useRuntimeState } from '../../runtime-context'

const none: Record<string, unknown>[] = []

export function View({ name, component }: ViewProps) {
  const runtime = useRuntime()
  const data = useProperty(name, 'data')
  const declared = useProperty(name, 'columns')
  const emptyText = textOf(useProperty(name, 'empty-text')) || 'Nothing to show.'
  const queries = useQueriesOf(name, 'data')
  const selectedIndex = useRuntimeState((state) => state.components[name]?.selectedIndex)
  const rows = useMemo(() => (Array.isArray(data) ? data.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null) : none), [data])
  const columns = useMemo(() => columnsOf(declared, rows), [declared, rows])
  const failed = queries.find(({ state }) => state.status === 'failed')
  const isLoading = queries.some(({ state }) => state.status === 'loading')
  const isFirst = isLoading && queries.every(({ state }) => !state.result)
  const isWaiting = queries.some(({ state }) => state.status === 'waiting')
  useFollowSelection(name, rows, !isLoading)
  const truncated = queries.find(({ state }) => state.result?.truncated)

  return (
    <div className="app-table" aria-busy={isLoading}>
      {isLoading ? <div className="app-progress" /> : null}
      {failed ? (
        <div className="app-failed" role="alert">
          <div className="app-fault">
            <CircleAlert className="icon" aria-hidden />
            <span>
              <strong>{failed.name}</strong> {failed.state.message}
            </span>
          </div>
          <Button size="small" onClick={() => void runtime.runQuery(failed.name)}>
            Try again
          </Button>
        </div>
      ) : isFirst ? (
        <SkeletonRows count={8} />
      ) : (
        <DataGrid
          label={name}
          rows={rows}
          columns={columns}
          emptyText={isWaiting ? 'Nothing to show yet.' : truncated ? `${emptyText} (cut at the row limit)` : emptyText}
          selectedIndex={typeof selectedIndex === 'number' ? selectedIndex : -1}
          onSelect={(row, index) => {
            runtime.setComponent(name, { selectedRow: row, selectedIndex: index })
            if (component.events?.length) void runtime.trigger(name, 'row-select')
          }}
        />
      )}
    </div>
  )
}

/** After new data came, the selected row is the one with the same `id`; when it is gone, nothing is selected. */
function useFollowSelection(name: string, rows: Record<string, unknown>[], isSettled: boolean): void {
  const runtime = useRuntime()
  useEffect(() => {
    const selected = runtime.store.getState().components[name]?.selectedRow
    if (!isSettled || typeof selected !== 'object' || selected === null) return
    const key = (row: object) => ('id' in row ? row.id : JSON.stringify(row))
    const index = rows.findIndex((row) => key(row) === key(selected))
    if (rows[index] !== selected) runtime.setComponent(name, { selectedRow: rows[index] ?? null, selectedIndex: index })
  }, [name, rows, isSettled, runtime])
}
