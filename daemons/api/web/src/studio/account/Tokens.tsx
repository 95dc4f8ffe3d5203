/** One's own tokens, with which programs act as oneself. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import { Button } from '../../ui/Button'
import { CopyField } from '../../ui/CopyField'
import { Dialog } from '../../ui/Dialog'
import { SelectField, TextField } from '../../ui/Field'
import { ErrorNotice, Loaded } from '../../ui/states'
import { useRemoval } from '../use-removal'
import { TokenTable } from './TokenTable'

const scopes = [
  ['read', 'Read'],
  ['all', 'Everything that I may do'],
] as const
const terms = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'A year'],
] as const

export function Tokens() {
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => dataOf(api.GET('/api/v1/account/tokens')), staleTime: 0 })
  const [isMaking, setMaking] = useState(false)
  const confirmed = useRemoval('tokens')
  return (
    <section className="stack" aria-label="Tokens">
      <h2>Tokens</h2>
      <Loaded query={tokens}>
        {({ tokens: all }) =>
          all.length === 0 ? (
            <p className="muted">None. With a token, a program uses the API as you.</p>
          ) : (
            <TokenTable
              tokens={all}
              onRevoke={({ id, name }) =>
                void confirmed({ title: `Revoke ${name}?`, text: 'Programs that use it are refused at once.', confirm: 'Revoke token' }, () =>
                  api.DELETE('/api/v1/account/tokens/{id}', { params: { path: { id } }, headers: { 'content-type': 'application/json' } }),
                )
              }
            />
          )
        }
      </Loaded>
      <div>
        <Button onClick={() => setMaking(true)}>Create token</Button>
      </div>
      {isMaking ? <CreateToken onClose={() => setMaking(false)} /> : null}
    </section>
  )
}

function CreateToken({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState('')
  const [scope, setScope] = useState<'read' | 'all'>('read')
  const [days, setDays] = useState('90')
  const create = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/account/tokens', { body: { name, scope, days: Number(days) } })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['tokens'] }),
  })
  if (create.data) {
    return (
      <Dialog
        title="Copy the token now"
        onClose={onClose}
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <p>It is not shown again. Whoever has it can do what it may until you revoke it.</p>
        <CopyField label="New token" value={create.data.secret} />
      </Dialog>
    )
  }
  return (
    <Dialog
      title="Create token"
      onClose={onClose}
      onSubmit={() => create.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={create.isPending}>
            Create
          </Button>
        </>
      }
    >
      <ErrorNotice error={create.error} />
      <TextField label="Name" hint="The audit trail shows it." required maxLength={80} value={name} onChange={(event) => setName(event.target.value)} />
      <SelectField label="It may" options={scopes} value={scope} onChange={(event) => setScope(event.target.value === 'all' ? 'all' : 'read')} />
      <SelectField label="It ends after" options={terms} value={days} onChange={(event) => setDays(event.target.value)} />
    </Dialog>
  )
}
