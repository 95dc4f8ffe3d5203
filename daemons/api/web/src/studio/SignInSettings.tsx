/** How people log in: providers of OpenID Connect, and whether everybody may use a password, and a second factor. For administrators. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { KeyRound, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { SignInProvider } from '../api/types'
import { Button } from '../ui/Button'
import { CopyField } from '../ui/CopyField'
import { CheckField, SelectField } from '../ui/Field'
import { EmptyState, Loaded } from '../ui/states'
import { PageHead } from './PageHead'
import { PeopleTabs } from './PeopleTabs'
import { ProviderDialog } from './ProviderDialog'
import { useRemoval } from './use-removal'

const required = [
  ['nobody', 'Nobody: it is up to each person'],
  ['administrators', 'Administrators'],
  ['everybody', 'Everybody'],
] as const

export function SignInSettings() {
  const queryClient = useQueryClient()
  const settings = useQuery({ queryKey: ['sign-in', 'settings'], queryFn: () => dataOf(api.GET('/api/v1/sign-in/settings')) })
  const [edited, setEdited] = useState<{ provider?: SignInProvider }>()
  const passwords = useMutation({
    mutationFn: (for_all: boolean) => api.PUT('/api/v1/sign-in/passwords', { body: { for_all } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['sign-in'] }),
  })
  const factor = useMutation({
    mutationFn: (required_for: (typeof required)[number][0]) => api.PUT('/api/v1/sign-in/second-factor', { body: { required_for } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['sign-in'] }),
  })
  const confirmed = useRemoval('sign-in')
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setEdited({})}>
      Add provider
    </Button>
  )
  return (
    <>
      <PageHead title="Log-in">{add}</PageHead>
      <PeopleTabs />
      <div className="page-body stack">
        <Loaded query={settings}>
          {({ providers, passwords_for_all, second_factor_required_for, redirect_uri }) => (
            <>
              {providers.length === 0 ? (
                <EmptyState icon={KeyRound} title="Let people log in with the accounts that they have" action={add}>
                  A provider of OpenID Connect vouches for people. Who is not known here is let in only from the domains that you list.
                </EmptyState>
              ) : (
                <table className="list">
                  <thead>
                    <tr>
                      <th>Provider</th>
                      <th className="wide-only">New people</th>
                      <th>
                        <span className="visually-hidden">Actions</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {providers.map((provider) => (
                      <tr key={provider.name}>
                        <td>
                          <strong>{provider.config.label}</strong>
                          <div className="muted">{provider.config.issuer}</div>
                        </td>
                        <td className="wide-only">{provider.config.domains?.join(', ') || 'None'}</td>
                        <td className="actions">
                          <span className="row">
                            <Button size="small" onClick={() => setEdited({ provider })}>
                              Edit
                            </Button>
                            <Button
                              variant="ghost"
                              size="small"
                              icon={Trash2}
                              label={`Delete ${provider.name}`}
                              onClick={() =>
                                void confirmed({ title: `Delete ${provider.config.label}?`, text: 'Nobody logs in with it from then on.', confirm: 'Delete provider' }, () =>
                                  api.DELETE('/api/v1/sign-in/providers/{name}', { params: { path: { name: provider.name } }, headers: { 'content-type': 'application/json' } }),
                                )
                              }
                            />
                          </span>
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
              <div className="page-note stack">
                <CheckField label="Everybody may log in with a password; else administrators alone" checked={passwords_for_all} disabled={passwords.isPending} onChange={({ target }) => passwords.mutate(target.checked)} />
                <SelectField
                  label="A second factor is required, after a password, for"
                  hint="Who has none sets one up with the next log-in."
                  options={required}
                  value={second_factor_required_for}
                  disabled={factor.isPending}
                  onChange={({ target }) => factor.mutate(required.find(([value]) => value === target.value)?.[0] ?? 'nobody')}
                />
                <CopyField label="Redirect URI to register at a provider" value={redirect_uri} />
              </div>
            </>
          )}
        </Loaded>
      </div>
      {edited ? <ProviderDialog {...edited} onClose={() => setEdited(undefined)} /> : null}
    </>
  )
}
