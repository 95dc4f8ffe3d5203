/** Where a text is written, or what refers to a name, in all of the app. */
import { useDeferredValue, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { find, findReferences, ownersOf } from '../../document/find'
import type { Owner } from '../../document/places'
import { SelectField, TextField } from '../../ui/Field'

export function FindPanel({ store, onOpen }: { store: DraftStore<AppDocument>; onOpen: (owner: Owner) => void }) {
  const document = useStore(store, (state) => state.document)
  const [wanted, setWanted] = useState('')
  const [name, setName] = useState('')
  const needle = useDeferredValue(wanted)
  const found = useMemo(() => (name === '' ? find(document, needle) : findReferences(document, name)), [document, needle, name])
  const names = ownersOf(document).flatMap(({ kind, name: one }) => (kind === 'page' ? [] : [kind === 'state' ? `state.${one}` : one]))
  return (
    <>
      <div className="row debug-find">
        <TextField
          label="Text"
          type="search"
          value={wanted}
          onChange={({ target }) => {
            setWanted(target.value)
            setName('')
          }}
        />
        <SelectField label="Or what refers to" value={name} options={[['', 'Choose a name'], ...names.map((one) => [one, one] as const)]} onChange={({ target }) => setName(target.value)} />
      </div>
      <p className="muted" role="status">
        {name === '' && needle.trim() === '' ? 'Properties, events, queries, scripts and state are searched.' : `${found.length} found`}
      </p>
      <ul className="debug-list">
        {found.map(({ owner, at, line }, index) => (
          <li key={index}>
            <button type="button" className="debug-finding" onClick={() => onOpen(owner)}>
              <strong>{owner.name}</strong>
              <span className="muted">{at === '' ? owner.kind : at}</span>
              <code className="grow truncate">{line}</code>
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
