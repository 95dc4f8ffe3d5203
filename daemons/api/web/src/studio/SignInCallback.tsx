/** Where a provider sends people back to who log in with it, or add an account there to theirs. */
import { api, dataOf } from '../api/client'
import { ErrorNotice } from '../ui/states'
import { t } from '../messages/messages'
import { EntryCard } from './EntryCard'
import { rememberedWay } from './sign-in'
import { returned, useReturned } from './use-returned'

export function SignInCallback() {
  const iss = returned('iss')
  const complete = useReturned({
    denied: t('You were not let in there.'),
    handOn: () => dataOf(api.POST('/api/v1/sign-in/complete', { body: { state: returned('state') ?? '', code: returned('code') ?? '', ...(iss === undefined ? {} : { iss }) } })),
    onSuccess: () => location.replace(rememberedWay()),
  })
  return (
    <EntryCard title={t('Log in')}>
      <ErrorNotice error={complete.error} />
      {complete.isError ? <a href="/login">{t('Back to the log-in page')}</a> : <p role="status">{t('One moment…')}</p>}
    </EntryCard>
  )
}
