/** Adds or edits a provider that people log in with. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client'
import { faultAt } from '../api/problem'
import type { SignInConfig, SignInProvider } from '../api/types'
import type { DescribedField, Fields } from '../document/described'
import { Button } from '../ui/Button'
import { DescribedFields } from '../ui/DescribedFields'
import { Dialog } from '../ui/Dialog'
import { TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'

const fields: readonly DescribedField[] = [
  { key: 'label', label: 'Label', type: 'text', hint: 'The button says: Log in with …', isRequired: true },
  { key: 'issuer', label: 'Issuer', type: 'text', placeholder: 'https://login.example.com', hint: 'Exactly as the provider writes it.', isRequired: true },
  { key: 'client-id', label: 'Client ID', type: 'text', isRequired: true },
  { key: 'scope', label: 'Scope, beside openid', type: 'text' },
  { key: 'domains', label: 'Domains whose people get an account here with their first log-in', type: 'words', noun: 'domain', placeholder: 'example.com' },
  { key: 'groups-claim', label: 'Claim with groups', type: 'text', placeholder: 'groups' },
  { key: 'groups', label: 'Groups: a value of the claim, and the group here', type: 'pairs', noun: 'group', placeholder: 'finance' },
  { key: 'secret-in-form', label: 'ID and secret go into the form', type: 'check' },
  { key: 'ca-certificate', label: "Authority's certificate", type: 'area', placeholder: '-----BEGIN CERTIFICATE-----', hint: "Only for an authority of your own; the system's authorities are known." },
]
const begin: SignInConfig = { label: '', issuer: '', 'client-id': '', scope: 'email profile' }

export function ProviderDialog({ provider, onClose }: { provider?: SignInProvider; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState(provider?.name ?? '')
  const [config, setConfig] = useState<SignInConfig>(provider?.config ?? begin)
  const [secret, setSecret] = useState('')
  const given = secret === '' ? {} : { secret }
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      if (provider) await api.PUT('/api/v1/sign-in/providers/{name}', { params: { path: { name: provider.name } }, body: { config, ...given } })
      else await api.POST('/api/v1/sign-in/providers', { body: { name, config, ...given } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['sign-in'] })
      onClose()
    },
  })
  return (
    <Dialog
      title={provider ? `Edit ${provider.config.label}` : 'Add provider'}
      isWide
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={save.isPending}>
            {provider ? 'Save' : 'Add provider'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={save.error} />
      {provider ? null : <TextField label="Name" hint="Stands in addresses: lower-case letters, digits and hyphens." required autoFocus value={name} onChange={({ target }) => setName(target.value)} />}
      <DescribedFields fields={fields} value={config as unknown as Fields} faultOf={(path) => faultAt(save.error, `config.${path}`)} onChange={(next) => setConfig(next as unknown as SignInConfig)} />
      <TextField
        label="Client secret"
        type="password"
        autoComplete="new-password"
        placeholder={provider ? 'Unchanged' : ''}
        hint="Sealed as soon as it arrives. A client without one leaves it empty."
        error={faultAt(save.error, 'secret')}
        value={secret}
        onChange={({ target }) => setSecret(target.value)}
      />
    </Dialog>
  )
}
