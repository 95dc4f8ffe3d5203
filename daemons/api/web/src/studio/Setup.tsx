/** Where one-time links lead: the first administrator, a recovered one, an invited person. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { TextField } from '../ui/Field'
import { ErrorNotice, SkeletonRows } from '../ui/states'
import { message, t } from '../messages/messages'
import { EntryCard } from './EntryCard'
import { stepIn } from './sign-in'

const route = getRouteApi('/setup')
const minPassword = 12
const titles = { 'first-admin': message('Create the first administrator'), 'recover-admin': message('Choose a new password'), invitation: message('Welcome to Bulkhead') } as const

export function Setup() {
  const { token = '' } = route.useSearch()
  const link = useQuery({ queryKey: ['link', token], queryFn: () => dataOf(api.POST('/api/v1/one-time-links/inspect', { body: { token } })), retry: false, staleTime: Number.POSITIVE_INFINITY })
  if (link.isPending) {
    return (
      <EntryCard title={t('Opening the link')}>
        <SkeletonRows count={3} />
      </EntryCard>
    )
  }
  if (link.isError) {
    return (
      <EntryCard title={t('This link does not work')}>
        <div className="stack">
          <ErrorNotice error={link.error} />
          <p className="muted">{t("An administrator can send you a new invitation. On the server, {setup} prints the first administrator's link, and {recover} a new one later.", { setup: 'bulkheadctl setup', recover: 'bulkheadctl user recover-admin' })}</p>
          <a className="button" href="/login">
            {t('Go to the log-in page')}
          </a>
        </div>
      </EntryCard>
    )
  }
  return <SetupForm token={token} purpose={link.data.purpose} knownEmail={link.data.email ?? undefined} />
}

function SetupForm({ token, purpose, knownEmail }: { token: string; purpose: keyof typeof titles; knownEmail: string | undefined }) {
  const isFirst = purpose === 'first-admin'
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const redeem = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/one-time-links/redeem', { body: { token, password, ...(isFirst ? { name, email } : {}) } })),
    onSuccess: (answer) => {
      const needed = stepIn(answer)
      location.assign(needed ? `/login?needs=${needed}` : '/')
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    redeem.mutate()
  }
  const isShort = password !== '' && password.length < minPassword
  return (
    <EntryCard title={t(titles[purpose])}>
      <form className="stack" onSubmit={submit}>
        <ErrorNotice error={redeem.error} />
        {isFirst ? (
          <>
            <TextField label={t('Your name')} autoComplete="name" required autoFocus value={name} onChange={(event) => setName(event.target.value)} />
            <TextField label={t('E-mail')} type="email" autoComplete="username" required value={email} onChange={(event) => setEmail(event.target.value)} />
          </>
        ) : (
          <TextField label={t('E-mail')} type="email" autoComplete="username" readOnly value={knownEmail ?? ''} />
        )}
        <TextField
          label={t('Password')}
          type="password"
          autoComplete="new-password"
          required
          minLength={minPassword}
          hint={t('{least} characters or more. A sentence works well.', { least: minPassword })}
          error={isShort ? t('{missing} more to go: it needs {least} characters.', { missing: minPassword - password.length, least: minPassword }) : undefined}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" variant="primary" size="wide" isBusy={redeem.isPending || redeem.isSuccess}>
          {isFirst ? t('Create the account') : t('Save and log in')}
        </Button>
      </form>
    </EntryCard>
  )
}
