/** The kinds of components that an app is made of. Each reads its properties from the running app and reports events to it. */
import { CircleAlert } from 'lucide-react'
import { useEffect, useId, useMemo } from 'react'
import type { Component } from '../api/types'
import { Button } from '../ui/Button'
import { DataGrid } from '../ui/DataGrid'
import { columnsOf } from '../ui/grid-columns'
import { SkeletonRows } from '../ui/states'
import './app.css'
import { textOf, useProperty, usePropertyError, useQueriesOf, useRuntime, useRuntimeState } from './runtime-context'

interface Props {
  name: string
  component: Component
}

export function AppComponent({ name, component }: Props) {
  const error = usePropertyError(name)
  if (error) {
    return (
      <div className="app-fault" role="alert">
        <CircleAlert className="icon" aria-hidden />
        <span>
          <strong>{name}</strong> {error}
        </span>
      </div>
    )
  }
  switch (component.type) {
    case 'text':
      return <AppText name={name} />
    case 'text-input':
      return <AppTextInput name={name} />
    case 'button':
      return <AppButton name={name} component={component} />
    case 'table':
      return <AppTable name={name} component={component} />
    default:
      return <div className="app-fault">{name} is of a kind that this version does not know.</div>
  }
}

function AppText({ name }: { name: string }) {
  const value = textOf(useProperty(name, 'value'))
  const style = textOf(useProperty(name, 'style')) || 'body'
  if (style === 'heading') return <h2 className="app-text heading">{value}</h2>
  return <p className={`app-text ${style}`}>{value}</p>
}

function AppTextInput({ name }: { name: string }) {
  const runtime = useRuntime()
  const id = useId()
  const typed = useRuntimeState((state) => state.components[name]?.value)
  const initial = useProperty(name, 'default-value')
  const label = textOf(useProperty(name, 'label'))
  const placeholder = textOf(useProperty(name, 'placeholder'))
  return (
    <div className="field">
      {label ? (
        <label className="label" htmlFor={id}>
          {label}
        </label>
      ) : null}
      <input
        id={id}
        className="input"
        type="text"
        autoComplete="off"
        aria-label={label ? undefined : placeholder || name}
        placeholder={placeholder}
        value={textOf(typed ?? initial)}
        onChange={(event) => {
          runtime.setComponent(name, { value: event.target.value })
          void runtime.trigger(name, 'change')
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') void runtime.trigger(name, 'submit')
        }}
      />
    </div>
  )
}

function AppButton({ name, component }: Props) {
  const runtime = useRuntime()
  const label = textOf(useProperty(name, 'label')) || name
  const variant = textOf(useProperty(name, 'variant'))
  const isDisabled = Boolean(useProperty(name, 'disabled'))
  const started = (component.events ?? []).flatMap(({ action }) => (action.do === 'run-query' ? [action.query] : []))
  const isBusy = useRuntimeState((state) => started.some((query) => state.queries[query]?.status === 'loading'))
  return (
    <Button
      variant={variant === 'primary' || variant === 'danger' ? variant : 'secondary'}
      disabled={isDisabled}
      isBusy={isBusy}
      onClick={() => void runtime.trigger(name, 'click')}
    >
      {label}
    </Button>
  )
}

const none: Record<string, unknown>[] = []

function AppTable({ name, component }: Props) {
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
