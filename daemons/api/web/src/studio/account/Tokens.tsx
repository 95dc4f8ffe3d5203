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
import { message, t } from '../../messages/messages'

const scopes = [
  ['read', message('Read')],
  ['all', message('Everything that I may do')],
] as const
const terms = [
  ['7', message('7 days')],
  ['30', message('30 days')],
  ['90', message('90 days')],
  ['365', message('A year')],
] as const

export function Tokens() {
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => dataOf(api.GET('/api/v1/account/tokens')), staleTime: 0 })
  const [isMaking, setMaking] = useState(false)
  const confirmed = useRemoval('tokens')
  return (
    <section className="stack" aria-label={t('Tokens')}>
      <h2>{t('Tokens')}</h2>
      <Loaded query={tokens}>
        {({ tokens: all }) =>
          all.length === 0 ? (
            <p className="muted">{t('None. With a token, a program uses the API as you.')}</p>
          ) : (
            <TokenTable
              tokens={all}
              onRevoke={({ id, name }) =>
                void confirmed({ title: t('Revoke {name}?', { name }), text: t('Programs that use it are refused at once.'), confirm: t('Revoke token') }, () =>
                  api.DELETE('/api/v1/account/tokens/{id}', { params: { path: { id } }, headers: { 'content-type': 'application/json' } }),
                )
              }
            />
          )
        }
      </Loaded>
      <div>
        <Button onClick={() => setMaking(true)}>{t('Create token')}</Button>
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
        title={t('Copy the token now')}
        onClose={onClose}
        footer={
          <Button variant="primary" onClick={onClose}>
            {t('Done')}
          </Button>
        }
      >
        <p>{t('It is not shown again. Whoever has it can do what it may until you revoke it.')}</p>
        <CopyField label={t('New token')} value={create.data.secret} />
      </Dialog>
    )
  }
  return (
    <Dialog
      title={t('Create token')}
      onClose={onClose}
      onSubmit={() => create.mutate()}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant="primary" isBusy={create.isPending}>
            {t('Create')}
          </Button>
        </>
      }
    >
      <ErrorNotice error={create.error} />
      <TextField label={t('Name')} hint={t('The audit trail shows it.')} required maxLength={80} value={name} onChange={(event) => setName(event.target.value)} />
      <SelectField label={t('It may')} options={scopes.map(([value, text]) => [value, t(text)] as const)} value={scope} onChange={(event) => setScope(event.target.value === 'all' ? 'all' : 'read')} />
      <SelectField label={t('It ends after')} options={terms.map(([value, text]) => [value, t(text)] as const)} value={days} onChange={(event) => setDays(event.target.value)} />
    </Dialog>
  )
}
