/** Chooses a method from those that a server of gRPC tells, with a first message to fill in. */
import { useState } from 'react'
import type { Operation } from '../api/types'
import { Button } from './Button'
import { Dialog } from './Dialog'
import { TextField } from './Field'
import { count } from './format'
import { useSchemaQuery } from './schema'
import { Loaded } from './states'

/** Methods that are shown at once; a search finds the others. */
const maxShown = 100

export function GrpcMethodDialog({ resource, onPick, onClose }: { resource: string; onPick: (operation: Operation) => void; onClose: () => void }) {
  const [search, setSearch] = useState('')
  const schema = useSchemaQuery(resource)
  const methods = (schema.data?.tables ?? []).flatMap(({ schema: service, name, columns, asking }) => (asking ? [{ path: `${service}/${name}`, columns, asking }] : []))
  const words = search.trim().toLowerCase()
  const found = methods.filter(({ path, asking }) => `${path} ${asking.answer}`.toLowerCase().includes(words))
  return (
    <Dialog
      title="Choose a method"
      isWide
      onClose={onClose}
      footer={
        <>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
        </>
      }
    >
      <Loaded query={schema}>
        {() => (
          <>
            <TextField label={count(methods.length, 'method')} type="search" placeholder="Search" value={search} onChange={({ target }) => setSearch(target.value)} />
            <ul className="uses">
              {found.slice(0, maxShown).map(({ path, columns, asking }) => (
                <li key={path} className="row">
                  <span className="grow">
                    <span className="mono">{path}</span>
                    <div className="muted">
                      {[columns.map(({ name }) => name).join(', '), `${asking.is_stream ? 'a stream of' : 'gives'} ${asking.answer}`, asking.is_read ? 'changes nothing' : ''].filter(Boolean).join(' · ')}
                    </div>
                  </span>
                  <Button size="small" label={`Take ${path}`} onClick={() => onPick({ do: 'grpc', method: path, message: asking.message, ...(asking.is_read ? { reads: true } : {}) })}>
                    Take
                  </Button>
                </li>
              ))}
            </ul>
            {found.length > maxShown ? <p className="muted">And {count(found.length - maxShown, 'other')}: search for them.</p> : null}
          </>
        )}
      </Loaded>
    </Dialog>
  )
}
