/** A query's result: its rows, and what is worth knowing of them. */
import { Suspense, lazy, useMemo } from 'react'
import type { QueryResult } from '../api/types'
import { JsonView } from './JsonView'
import { count, duration } from './format'
import { SkeletonRows } from './states'

/** Comes with the first result that has columns. */
const DataGrid = lazy(async () => ({ default: (await import('./DataGrid')).DataGrid }))

const numericTypes = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'money', 'oid'])

export function ResultGrid({ label, result }: { label: string; result: QueryResult }) {
  const columns = useMemo(() => result.columns.map(({ name, type }) => ({ key: name, label: name, isNumeric: numericTypes.has(type) })), [result.columns])
  return (
    <div className="stack result">
      <p className="muted">
        {'data' in result ? 'Answered' : result.affected === null || result.affected === undefined ? count(result.row_count, 'row') : `${count(result.affected, 'row')} changed`}
        {' · '}
        {duration(result.duration_ms)}
        {result.truncated ? ' · cut at the row limit' : ''}
        {result.cached ? ` · kept from ${duration(result.age_ms ?? 0)} ago` : ''}
      </p>
      {columns.length > 0 ? (
        <div className="result-grid">
          <Suspense fallback={<SkeletonRows count={4} />}>
            <DataGrid label={label} rows={result.rows} columns={columns} emptyText="No rows." />
          </Suspense>
        </div>
      ) : null}
      {'data' in result ? <JsonView value={result.data} /> : null}
      {result.meta === null || result.meta === undefined ? null : (
        <details>
          <summary className="muted">What came with it</summary>
          <JsonView value={result.meta} />
        </details>
      )}
    </div>
  )
}
