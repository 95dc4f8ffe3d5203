/** The bottom drawer: the app's queries, scripts, transformers and state, the editor of one, and what helps to find mistakes. */
import { useQuery } from '@tanstack/react-query'
import { Braces, Bug, Database, FileCode, Plus, Variable } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument } from '../api/types'
import { useRuntimeState } from '../components/runtime-context'
import type { DraftStore } from '../document/draft-store'
import { moduleOf } from '../document/module-names'
import type { Owner } from '../document/places'
import type { QueryState } from '../runtime/runtime'
import { resourcesQuery } from '../studio/lists'
import { Button } from '../ui/Button'
import { SkeletonRows } from '../ui/states'
import type { IconType } from '../ui/icons'
import { addQuery, freeName, stateNames } from './edits'
import { message, t } from '../messages/messages'

const LogicEditor = lazy(() => import('./logic/LogicEditor').then((module) => ({ default: module.LogicEditor })))
const DebugPanel = lazy(() => import('./debug/DebugPanel').then((module) => ({ default: module.DebugPanel })))

interface Props {
  slug: string
  page: string
  store: DraftStore<AppDocument>
  /** A name; of a state variable with `state.` before it, since those have names of their own. */
  selected: string | undefined
  onSelect: (selected: string | undefined) => void
  /** Shows the part of the app that something belongs to. */
  onOpen: (owner: Owner) => void
}

const adders = { query: message('Add query'), script: message('Add script'), transformer: message('Add transformer'), 'state variable': message('Add state variable') } as const
const statuses = { idle: message('Not run'), waiting: message('Waiting'), loading: message('Running'), done: message('Done'), failed: message('Failed') } as const
const dots = { idle: '', waiting: 'amber', loading: 'accent', done: 'green', failed: 'red' } as const

export function QueryDrawer({ slug, page, store, selected, onSelect, onOpen }: Props) {
  const document = useStore(store, (state) => state.document)
  const states = useRuntimeState((state) => state.queries)
  const resources = useQuery(resourcesQuery).data ?? []
  const [isDebug, setDebug] = useState(false)
  const open = (next: string) => {
    setDebug(false)
    onSelect(next)
  }
  const addResourceQuery = () => {
    const name = freeName(store.getState().document, 'query1')
    store.edit((draft) => addQuery(draft, name, { resource: resources[0]?.name ?? '', statement: 'select 1 as one', mode: 'read', run: 'automatic' }))
    open(name)
  }
  const addScript = () => {
    const name = freeName(store.getState().document, 'script1')
    store.edit((draft) => void (draft.scripts = { ...draft.scripts, [name]: { code: 'return 1 + 1' } }))
    open(name)
  }
  const addTransformer = () => {
    const name = freeName(store.getState().document, 'transformer1')
    store.edit((draft) => void (draft.transformers = { ...draft.transformers, [name]: { code: 'current_user.name' } }))
    open(name)
  }
  const addVariable = () => {
    const taken = stateNames(store.getState().document)
    let number = 1
    while (taken.has(`variable${number}`)) number += 1
    const name = `variable${number}`
    store.edit((draft) => void (draft.state = { ...draft.state, [name]: {} }))
    open(`state.${name}`)
  }
  // What is of a module is edited there.
  const own = (names: Iterable<string>) => [...names].filter((name) => moduleOf(document, name) === undefined)
  const sections: [title: string, what: keyof typeof adders, icon: IconType, names: string[], add: () => void][] = [
    [t('Queries'), 'query', Database, own(Object.keys(document.queries ?? {})), addResourceQuery],
    [t('Scripts'), 'script', FileCode, own(Object.keys(document.scripts ?? {})), addScript],
    [t('Transformers'), 'transformer', Braces, own(Object.keys(document.transformers ?? {})), addTransformer],
    [t('State'), 'state variable', Variable, own(stateNames(document)).map((name) => `state.${name}`), addVariable],
  ]
  const known = sections.some(([, , , names]) => names.includes(selected ?? ''))
  return (
    <section className="drawer" aria-label={t('Queries')}>
      <div className="drawer-list">
        <button type="button" className="side-item" aria-pressed={isDebug} onClick={() => setDebug(!isDebug)}>
          <Bug className="icon" strokeWidth={1.5} aria-hidden />
          {t('Debug')}
        </button>
        {sections.map(([title, what, Icon, names, add]) => (
          <div key={title} role="group" aria-label={title}>
            <header className="row">
              <h2 className="grow">{title}</h2>
              <Button variant="ghost" size="small" icon={Plus} label={t(adders[what])} onClick={add} />
            </header>
            <ul>
              {names.map((name) => (
                <li key={name}>
                  <Item name={name} icon={Icon} state={what === 'query' || what === 'script' ? (states[name] ?? { status: 'idle' }) : undefined} isSelected={!isDebug && name === selected} onSelect={() => open(name)} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
      <Suspense fallback={<SkeletonRows count={4} />}>
        {isDebug ? (
          <DebugPanel page={page} store={store} onOpen={onOpen} />
        ) : known && selected !== undefined ? (
          <LogicEditor key={selected} slug={slug} page={page} selected={selected} store={store} onSelect={onSelect} />
        ) : (
          <div className="drawer-empty">
            <Database className="icon" strokeWidth={1.5} aria-hidden />
            <p className="muted">{t('A query runs one SQL statement. Components show its rows by {code}.', { code: '{{ query1.rows }}' })}</p>
            <Button icon={Plus} onClick={addResourceQuery}>
              {t('Add query')}
            </Button>
          </div>
        )}
      </Suspense>
    </section>
  )
}

function Item({ name, icon: Icon, state, isSelected, onSelect }: { name: string; icon: IconType; state: QueryState | undefined; isSelected: boolean; onSelect: () => void }) {
  return (
    <button type="button" className="side-item" aria-pressed={isSelected} title={state?.message} onClick={onSelect}>
      {state ? <span className={`query-dot ${dots[state.status]}`} aria-label={t(statuses[state.status])} role="img" /> : <Icon className="icon" strokeWidth={1.5} aria-hidden />}
      <span className="truncate">{name.replace(/^state\./, '')}</span>
    </button>
  )
}
