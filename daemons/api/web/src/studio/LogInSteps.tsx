/** What a log-in needs after the password: a code, or a second factor that is required here and is made now. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { Loaded } from '../ui/states'
import { EntryCard } from './EntryCard'
import { CodeForm, CodeToScan, RecoveryCodes } from './account/Enrolment'
import type { LogInStep } from './sign-in'

export function LogInSteps({ step, onDone }: { step: LogInStep; onDone: () => void }) {
  return step === 'code' ? <EnterCode onDone={onDone} /> : <Enrol onDone={onDone} />
}

function EnterCode({ onDone }: { onDone: () => void }) {
  const login = useMutation({
    meta: { showsError: true },
    mutationFn: (code: string) => api.POST('/api/v1/login/code', { body: { code } }),
    onSuccess: onDone,
  })
  return (
    <EntryCard title="Enter a code">
      <CodeForm
        label="Code"
        action="Log in"
        hint="The six digits that your authenticator app shows, or a recovery code."
        isBusy={login.isPending || login.isSuccess}
        error={login.error}
        onCode={(code) => login.mutate(code)}
      />
      <p className="hint muted">Both lost? An administrator resets your second factor; for the last administrator, <code>bulkheadctl user recover-admin</code> on the server does.</p>
      <a href="/login">Log in as somebody else</a>
    </EntryCard>
  )
}

function Enrol({ onDone }: { onDone: () => void }) {
  const [codes, setCodes] = useState<readonly string[]>()
  // Asked once: each answer is another secret.
  const begun = useQuery({
    queryKey: ['required-second-factor'],
    queryFn: () => dataOf(api.POST('/api/v1/login/second-factor', { headers: { 'content-type': 'application/json' } })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  const confirm = useMutation({
    meta: { showsError: true },
    mutationFn: async (code: string) => setCodes((await dataOf(api.POST('/api/v1/login/second-factor/confirm', { body: { code } }))).recovery_codes),
  })
  if (codes) {
    return (
      <EntryCard title="Recovery codes">
        <div className="stack">
          <RecoveryCodes codes={codes} />
          <Button variant="primary" size="wide" onClick={onDone}>
            I have kept them
          </Button>
        </div>
      </EntryCard>
    )
  }
  return (
    <EntryCard title="Set up a second factor">
      <div className="stack">
        <p>It is required here: from now on, a code is asked for after your password.</p>
        <Loaded query={begun}>{(found) => <CodeToScan begun={found} />}</Loaded>
        <CodeForm label="Code that the app shows" action="Turn on and log in" isBusy={confirm.isPending} error={confirm.error} onCode={(code) => confirm.mutate(code)} />
      </div>
    </EntryCard>
  )
}
