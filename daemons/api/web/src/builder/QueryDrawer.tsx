/** The bottom drawer: the app's queries, the editor of one, and its result. */
import { useQuery } from '@tanstack/react-query'
import { Database, Plus } from 'lucide-react'
import { Suspense, lazy } from 'react'
import { useStore } from 'zustand'
import type { AppDocument } from '../api/types'
import { useRuntimeState } from '../components/runtime-context'
import type { DraftStore } from '../document/draft-store'
import { resourcesQuery } from '../studio/lists'
import { Button } from '../ui/Button'
import { SkeletonRows } from '../ui/states'
import { addQuery, freeName } from './edits'

/** With its forms for all kinds of resources, which a page without queries does not need. */
const QueryEditor = lazy(async () => ({ default: (await import('./QueryEditor')).QueryEditor }))

interface Props {
  slug: string
  store: DraftStore<AppDocument>
  selected: string | undefined
  onSelect: (query: string | undefined) => void
}

const dots = { idle: '', waiting: 'amber', loading: 'accent', done: 'green', failed: 'red' } as const

export function QueryDrawer({ slug, store, selected, onSelect }: Props) {
  const queries = useStore(store, (state) => state.document.queries) ?? {}
  const states = useRuntimeState((state) => state.queries)
  const resources = useQuery(resourcesQuery).data ?? []
  const add = () => {
    const name = freeName(store.getState().document, 'query1')
    store.edit((draft) => addQuery(draft, name, { resource: resources[0]?.name ?? '', statement: 'select 1 as one', mode: 'read', run: 'automatic' }))
    onSelect(name)
  }
  const query = selected === undefined ? undefined : queries[selected]
  return (
    <section className="drawer" aria-label="Queries">
      <div className="drawer-list">
        <header className="row">
          <h2 className="grow">Queries</h2>
          <Button variant="ghost" size="small" icon={Plus} label="Add query" onClick={add} />
        </header>
        <ul>
          {Object.keys(queries).map((name) => {
            const state = states[name]
            return (
              <li key={name}>
                <button type="button" className="side-item" aria-pressed={name === selected} title={state?.message} onClick={() => onSelect(name)}>
                  <span className={`query-dot ${dots[state?.status ?? 'idle']}`} aria-label={state?.status ?? 'idle'} role="img" />
                  <span className="truncate">{name}</span>
                </button>
              </li>
            )
          })}
        </ul>
      </div>
      {selected !== undefined && query ? (
        <Suspense fallback={<SkeletonRows count={4} />}>
          <QueryEditor key={selected} slug={slug} name={selected} query={query} store={store} onRenamed={onSelect} onRemoved={() => onSelect(Object.keys(queries).find((name) => name !== selected))} />
        </Suspense>
      ) : (
        <div className="drawer-empty">
          <Database className="icon" strokeWidth={1.5} aria-hidden />
          <p className="muted">A query runs one SQL statement. Components show its rows by {'{{ query1.rows }}'}.</p>
          <Button icon={Plus} onClick={add}>
            Add query
          </Button>
        </div>
      )}
    </section>
  )
}
