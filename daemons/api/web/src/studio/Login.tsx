/** Logging in. */
import { useMutation } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type FormEvent, Suspense, lazy, useState } from 'react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { t } from '../messages/messages'
import { EntryCard } from './EntryCard'
import { SignInButtons } from './SignInButtons'
import { type LogInStep, safeNext, stepIn } from './sign-in'

const route = getRouteApi('/login')
const LogInSteps = lazy(() => import('./LogInSteps').then((module) => ({ default: module.LogInSteps })))

export function Login() {
  const { next, needs } = route.useSearch()
  const [step, setStep] = useState<LogInStep | undefined>(needs)
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const login = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/login', { body: { email, password } })),
    onSuccess: (answer) => {
      const needed = stepIn(answer)
      if (needed) setStep(needed)
      else location.assign(safeNext(next))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    login.mutate()
  }
  if (step) {
    return (
      <Suspense fallback={null}>
        <LogInSteps step={step} onDone={() => location.assign(safeNext(next))} />
      </Suspense>
    )
  }
  return (
    <EntryCard title={t('Log in')}>
      <SignInButtons next={safeNext(next)} />
      <form className="stack" onSubmit={submit}>
        <ErrorNotice error={login.error} />
        <TextField label={t('E-mail')} type="email" autoComplete="username" required autoFocus value={email} onChange={(event) => setEmail(event.target.value)} />
        <TextField label={t('Password')} type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
        <Button type="submit" variant="primary" size="wide" isBusy={login.isPending || login.isSuccess}>
          {t('Log in')}
        </Button>
        <p className="hint muted">{t('Password lost? An administrator gives you a new invitation; for the last administrator, {command} on the server does.', { command: 'bulkheadctl user recover-admin' })}</p>
      </form>
    </EntryCard>
  )
}
