/** Chooses a request from the operations of an OpenAPI document. */
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { Operation } from '../api/types'
import { Button } from './Button'
import { Dialog } from './Dialog'
import { TextField } from './Field'
import { FileDrop } from './FileDrop'
import { count } from './format'
import { ErrorNotice } from './states'

/** Operations that are shown at once; a search finds the others. */
const maxShown = 100

export function OpenApiDialog({ onPick, onClose }: { onPick: (operation: Operation) => void; onClose: () => void }) {
  const [search, setSearch] = useState('')
  const read = useMutation({
    meta: { showsError: true },
    mutationFn: async (text: string) => {
      let document: unknown
      try {
        document = JSON.parse(text)
      } catch {
        throw new Error('This is no JSON. A document in YAML has to be converted first.')
      }
      return dataOf(api.POST('/api/v1/imports/openapi', { body: { document } }))
    },
  })
  const words = search.trim().toLowerCase()
  const found = (read.data?.operations ?? []).filter(({ name, summary, request }) => `${name} ${summary} ${request.method} ${request.path}`.toLowerCase().includes(words))
  return (
    <Dialog
      title="From OpenAPI"
      isWide
      onClose={onClose}
      footer={
        <>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <FileDrop label="Drop an OpenAPI document here, or choose one (JSON)" accept=".json,application/json" onText={(text) => read.mutate(text)} />
      <ErrorNotice error={read.error} />
      {read.data ? (
        <>
          <TextField label={`${count(read.data.operations.length, 'operation')} of ${read.data.title || 'the document'}`} type="search" placeholder="Search" value={search} onChange={({ target }) => setSearch(target.value)} />
          {read.data.problems.map((problem) => (
            <p key={problem} className="muted">
              {problem}
            </p>
          ))}
          <ul className="uses">
            {found.slice(0, maxShown).map(({ name, summary, request, problems }) => (
              <li key={name} className="row">
                <span className="grow">
                  <span className="mono">
                    {request.method ?? 'GET'} {request.path}
                  </span>
                  <div className="muted">{[summary, ...problems].filter(Boolean).join(' · ')}</div>
                </span>
                <Button size="small" label={`Take ${name}`} onClick={() => onPick({ do: 'request', ...request })}>
                  Take
                </Button>
              </li>
            ))}
          </ul>
          {found.length > maxShown ? <p className="muted">And {count(found.length - maxShown, 'other')}: search for them.</p> : null}
        </>
      ) : null}
    </Dialog>
  )
}
