/** Any JSON value as a tree. Large ones show their beginning, so that a result of megabytes does not stop the page. */
import { memo } from 'react'

const maxItems = 100
const maxText = 2000

export const JsonView = memo(function JsonView({ value }: { value: unknown }) {
  return (
    <div className="json">
      <Node value={value} depth={0} />
    </div>
  )
})

function Node({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  const label = name === undefined ? null : <span className="key">{name}: </span>
  if (typeof value !== 'object' || value === null) {
    return (
      <div>
        {label}
        <Scalar value={value} />
      </div>
    )
  }
  const entries = Object.entries(value)
  const isList = Array.isArray(value)
  const size = isList ? `[${entries.length}]` : `{${entries.length}}`
  if (entries.length === 0) {
    return (
      <div>
        {label}
        {isList ? '[]' : '{}'}
      </div>
    )
  }
  return (
    <details open={depth < 2 && entries.length <= 30}>
      <summary>
        {label}
        <span className="muted">{size}</span>
      </summary>
      <div className="inner">
        {entries.slice(0, maxItems).map(([key, item]) => (
          <Node key={key} name={key} value={item} depth={depth + 1} />
        ))}
        {entries.length > maxItems ? <div className="muted">… {(entries.length - maxItems).toLocaleString('en')} more</div> : null}
      </div>
    </details>
  )
}

function Scalar({ value }: { value: unknown }) {
  if (typeof value === 'string') return <span className="string">{JSON.stringify(value.length > maxText ? `${value.slice(0, maxText)}…` : value)}</span>
  if (typeof value === 'number') return <span className="number">{String(value)}</span>
  return <span className="word">{String(value)}</span>
}
