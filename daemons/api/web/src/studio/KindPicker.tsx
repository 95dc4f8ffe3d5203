/** The first step of a new resource: what it is. */
import { useState } from 'react'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextField } from '../ui/Field'
import { type Kind, kindNames, resourceKinds } from './resource-kinds'

export function KindPicker({ onPick, onClose }: { onPick: (kind: Kind) => void; onClose: () => void }) {
  const [search, setSearch] = useState('')
  const words = search.trim().toLowerCase()
  const found = kindNames.filter((kind) => `${resourceKinds[kind].label} ${resourceKinds[kind].about}`.toLowerCase().includes(words))
  return (
    <Dialog
      title="Add a resource"
      isWide
      onClose={onClose}
      onSubmit={() => {
        const [only] = found
        if (only !== undefined && found.length === 1) onPick(only)
      }}
      footer={
        <>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <TextField label="Search" type="search" autoFocus placeholder="What is it?" value={search} onChange={({ target }) => setSearch(target.value)} />
      {found.length === 0 ? <p className="muted">No kind of resource is called so. What speaks HTTP is reached as a REST API.</p> : null}
      <ul className="kind-grid">
        {found.map((kind) => {
          const { label, about, icon: Icon } = resourceKinds[kind]
          return (
            <li key={kind}>
              <button type="button" className="kind-card" onClick={() => onPick(kind)}>
                <Icon className="icon" aria-hidden />
                <span>
                  <strong>{label}</strong>
                  <span className="muted">{about}</span>
                </span>
              </button>
            </li>
          )
        })}
      </ul>
    </Dialog>
  )
}
