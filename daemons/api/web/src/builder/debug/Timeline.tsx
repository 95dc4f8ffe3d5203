/** What happened: events, actions, queries and scripts, with how long they took and what went wrong. */
import { useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { ownerOf } from '../../document/lint'
import type { Owner } from '../../document/places'
import { Button } from '../../ui/Button'
import { CheckField } from '../../ui/Field'
import { watched } from './watched'

export function Timeline({ store, onOpen }: { store: DraftStore<AppDocument>; onOpen: (owner: Owner) => void }) {
  const entries = useStore(watched, (state) => state.entries)
  const [isFailed, setFailed] = useState(false)
  const shown = entries.filter(({ error }) => !isFailed || error !== undefined).toReversed()
  return (
    <>
      <div className="row">
        <CheckField label="Only what failed" checked={isFailed} onChange={({ target }) => setFailed(target.checked)} />
        <span className="grow" />
        <Button size="small" onClick={() => watched.setState({ entries: [] })}>
          Clear
        </Button>
      </div>
      {shown.length === 0 ? <p className="muted">Nothing yet: use the app on the canvas or in the preview.</p> : null}
      <ol className="debug-list">
        {shown.map((entry, index) => {
          const owner = ownerOf(store.getState().document, entry.name)
          return (
            <li key={entries.length - index} className={entry.error === undefined ? 'debug-entry' : 'debug-entry red'}>
              <time dateTime={new Date(entry.at).toISOString()}>{new Date(entry.at).toLocaleTimeString()}</time>
              <span className="badge">{entry.kind}</span>
              {owner ? (
                <button type="button" className="debug-link" onClick={() => onOpen(owner)}>
                  {entry.name}
                </button>
              ) : (
                <span>{entry.name}</span>
              )}
              <span className="grow truncate" title={entry.error ?? entry.text}>
                {entry.error ?? entry.text}
              </span>
              <span className="muted">{entry.ms === undefined ? '' : `${entry.ms < 10 ? entry.ms.toFixed(1) : Math.round(entry.ms)} ms`}</span>
            </li>
          )
        })}
      </ol>
    </>
  )
}
