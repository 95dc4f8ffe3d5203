/** A query's result: its rows, and what is worth knowing of them. */
import { useMemo } from 'react'
import type { QueryResult } from '../api/types'
import { DataGrid } from './DataGrid'
import { count, duration } from './format'

const numericTypes = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'money', 'oid'])

export function ResultGrid({ label, result }: { label: string; result: QueryResult }) {
  const columns = useMemo(() => result.columns.map(({ name, type }) => ({ key: name, label: name, isNumeric: numericTypes.has(type) })), [result.columns])
  return (
    <div className="stack result">
      <p className="muted">
        {result.affected === null || result.affected === undefined ? count(result.row_count, 'row') : `${count(result.affected, 'row')} changed`}
        {' · '}
        {duration(result.duration_ms)}
        {result.truncated ? ' · cut at the row limit' : ''}
      </p>
      {columns.length > 0 ? (
        <div className="result-grid">
          <DataGrid label={label} rows={result.rows} columns={columns} emptyText="No rows." />
        </div>
      ) : null}
    </div>
  )
}
