/** One's second factor: setting it up, new recovery codes, taking it away. Each asks for the password again. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import type { SecondFactorBegun } from '../../api/types'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { RelativeTime } from '../../ui/format'
import { ErrorNotice, Loaded } from '../../ui/states'
import { CodeForm, CodeToScan, RecoveryCodes } from './Enrolment'
import { message, plural, t } from '../../messages/messages'

const titles = { begin: message('Set up a second factor'), renew: message('New recovery codes'), remove: message('Remove the second factor') } as const
type Task = keyof typeof titles

export function SecondFactor() {
  const factor = useQuery({ queryKey: ['second-factor'], queryFn: () => dataOf(api.GET('/api/v1/account/second-factor')) })
  const [task, setTask] = useState<Task>()
  return (
    <section className="stack" aria-label={t('Second factor')}>
      <h2>{t('Second factor')}</h2>
      <Loaded query={factor}>
        {({ since, recovery_codes, required, has_password }) => (
          <>
            <p className="row wrap">
              {since ? (
                <>
                  <Badge tone="green">{t('On')}</Badge>
                  <span>
                    {t('A code is asked for after your password')} · <RelativeTime at={since} /> · {plural(recovery_codes, '{count} recovery code left', '{count} recovery codes left')}
                  </span>
                </>
              ) : has_password ? (
                <>
                  <Badge tone={required ? 'amber' : 'neutral'}>{t('Off')}</Badge>
                  <span>{required ? t('You must have one here: it is asked for with your next log-in.') : t('With it, whoever learns your password still cannot log in.')}</span>
                </>
              ) : (
                <span className="muted">{t('You have no password here: the provider that you log in with asks for what it needs.')}</span>
              )}
            </p>
            {has_password ? (
              <div className="row wrap">
                <Button variant={since ? 'secondary' : 'primary'} onClick={() => setTask('begin')}>
                  {since ? t('Set up anew') : t('Set up')}
                </Button>
                {since ? <Button onClick={() => setTask('renew')}>{t('New recovery codes')}</Button> : null}
                {since && !required ? (
                  <Button variant="danger" onClick={() => setTask('remove')}>
                    {t('Remove')}
                  </Button>
                ) : null}
              </div>
            ) : null}
          </>
        )}
      </Loaded>
      {task ? <TaskDialog task={task} onClose={() => setTask(undefined)} /> : null}
    </section>
  )
}

function TaskDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [password, setPassword] = useState('')
  const [begun, setBegun] = useState<SecondFactorBegun>()
  const [codes, setCodes] = useState<readonly string[]>()
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['second-factor'] })
  const ask = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const body = { password }
      if (task === 'begin') setBegun(await dataOf(api.POST('/api/v1/account/second-factor', { body })))
      else if (task === 'renew') setCodes((await dataOf(api.POST('/api/v1/account/second-factor/recovery-codes', { body }))).recovery_codes)
      else {
        await api.POST('/api/v1/account/second-factor/remove', { body })
        onClose()
      }
    },
    onSuccess: refresh,
  })
  const confirm = useMutation({
    meta: { showsError: true },
    mutationFn: async (code: string) => setCodes((await dataOf(api.POST('/api/v1/account/second-factor/confirm', { body: { code } }))).recovery_codes),
    onSuccess: refresh,
  })
  if (codes) {
    return (
      <Dialog
        title={t('Recovery codes')}
        onClose={onClose}
        footer={
          <Button variant="primary" onClick={onClose}>
            {t('I have kept them')}
          </Button>
        }
      >
        <RecoveryCodes codes={codes} />
      </Dialog>
    )
  }
  if (begun) {
    return (
      <Dialog title={t(titles[task])} onClose={onClose}>
        <CodeToScan begun={begun} />
        <CodeForm label={t('Code that the app shows')} action={t('Turn on')} isBusy={confirm.isPending} error={confirm.error} onCode={(code) => confirm.mutate(code)} />
      </Dialog>
    )
  }
  return (
    <Dialog
      title={t(titles[task])}
      onClose={onClose}
      onSubmit={() => ask.mutate()}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant={task === 'remove' ? 'danger' : 'primary'} isBusy={ask.isPending}>
            {task === 'remove' ? t('Remove it') : t('Continue')}
          </Button>
        </>
      }
    >
      <ErrorNotice error={ask.error} />
      <TextField label={t('Your password')} type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
    </Dialog>
  )
}
