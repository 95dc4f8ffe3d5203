/** Why a value is what it is: what says so, what that reads, and what those are worth now. */
import { useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument } from '../../api/types'
import { useRuntime, useRuntimeState } from '../../components/runtime-context'
import type { DraftStore } from '../../document/draft-store'
import { type Owner, type Place, placesOf } from '../../document/places'
import { ownersByName, sourceOf } from '../../document/why'
import { TextField } from '../../ui/Field'
import { brief, valueAtPath, valuesNow } from '../assist/values'

interface Props {
  path: string
  store: DraftStore<AppDocument>
  onPath: (path: string) => void
  onOpen: (owner: Owner) => void
}

const deepest = 8

export function Why({ path, store, onPath, onOpen }: Props) {
  const document = useStore(store, (state) => state.document)
  useRuntimeState((state) => state.shown)
  useRuntimeState((state) => state.queries)
  const [typed, setTyped] = useState(path)
  const places = placesOf(document)
  const owners = ownersByName(document)
  return (
    <>
      <TextField label="Value" className="mono" placeholder="table1.data" value={typed} onChange={({ target }) => setTyped(target.value)} onBlur={() => onPath(typed.trim())} onKeyDown={({ key }) => (key === 'Enter' ? onPath(typed.trim()) : undefined)} />
      {path === '' ? <p className="muted">Write what you ask about, such as table1.data, or press the question mark at a value.</p> : null}
      {path === '' ? null : (
        <ul className="debug-tree">
          <Branch key={path} path={path} places={places} owners={owners} above={[]} onOpen={onOpen} />
        </ul>
      )}
    </>
  )
}

function Branch({ path, places, owners, above, onOpen }: { path: string; places: Place[]; owners: ReadonlyMap<string, Owner>; above: string[]; onOpen: (owner: Owner) => void }) {
  const runtime = useRuntime()
  const { owner, text, reads } = sourceOf(places, owners, path)
  const isCircle = above.includes(path)
  const error = useRuntimeState(({ shown }) => {
    const outcome = shown[path] ?? shown[path.replace(/\.value$/, '.default-value')]
    return outcome && 'error' in outcome ? outcome.error : undefined
  })
  const cause = useCause(path, owner)
  return (
    <li>
      <div className="debug-why">
        <div className="row">
          <code>{path}</code>
          <span className="muted truncate grow">= {brief(valueAtPath(valuesNow(runtime), path.split('.')), 100)}</span>
          {owner ? (
            <button type="button" className="button ghost small" onClick={() => onOpen(owner)}>
              Show {owner.kind} {owner.name}
            </button>
          ) : null}
        </div>
        {error ? <p className="error">{error}</p> : null}
        <p className="hint">{cause}</p>
        {text ? <pre className="logic-log debug-source">{text.length > 600 ? `${text.slice(0, 600)}…` : text}</pre> : null}
      </div>
      {isCircle ? (
        <p className="error">It reads itself.</p>
      ) : reads.length > 0 && above.length < deepest ? (
        <ul>
          {reads.map((read) => (
            <Branch key={read} path={read} places={places} owners={owners} above={[...above, path]} onOpen={onOpen} />
          ))}
        </ul>
      ) : null}
    </li>
  )
}

/** One sentence on what made the value. */
function useCause(path: string, owner: Owner | undefined): string {
  const [name = '', property = ''] = path.split('.')
  const held = useRuntimeState(({ components }) => components[name])
  const query = useRuntimeState(({ queries }) => queries[name])
  const runtime = useRuntime()
  switch (owner?.kind) {
    case 'component':
      return held && property in held ? 'It was set: by a person, an action or a script.' : 'It is what the property says.'
    case 'query':
    case 'script':
      if (!query || query.status === 'idle') return 'It has not run yet.'
      return { waiting: `It waits: ${query.message ?? ''}`, loading: 'It is under way.', done: 'It is what the last run gave.', failed: `The last run failed: ${query.message ?? ''}` }[query.status]
    case 'transformer':
      return 'It is computed of what its code reads.'
    case 'state':
      return Object.hasOwn(runtime.seen()['state'] ?? {}, property) ? 'It was set by an action or a script.' : 'It is the first value: nothing has set it.'
    default:
      return ['current_user', 'environment', 'url', 'localStorage'].includes(name) ? 'Every app has it.' : 'Nothing in this app has this name.'
  }
}
