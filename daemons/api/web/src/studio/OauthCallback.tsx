/** Where a server sends people back to who said yes, or no. Usually in a window of its own, beside the page that asked. */
import { api, dataOf } from '../api/client'
import { accountChannel } from '../ui/accounts'
import { ErrorNotice } from '../ui/states'
import { t } from '../messages/messages'
import { EntryCard } from './EntryCard'
import { returned, useReturned } from './use-returned'

export function OauthCallback() {
  const complete = useReturned({
    denied: t('The server was told no, so nothing was connected.'),
    handOn: () => dataOf(api.POST('/api/v1/accounts/complete', { body: { state: returned('state') ?? '', code: returned('code') ?? '' } })),
    onSuccess: ({ resource }) => {
      const channel = new BroadcastChannel(accountChannel)
      channel.postMessage(resource)
      channel.close()
      window.close()
    },
  })
  return (
    <EntryCard title={t('Connect an account')}>
      <ErrorNotice error={complete.error} />
      <p role="status">{complete.isSuccess ? t('The account is connected to {resource}. You can close this window.', { resource: complete.data.resource }) : complete.isError ? t('You can close this window and connect again.') : t('Connecting…')}</p>
      {complete.isSuccess ? <a href="/resources">{t('To the resources')}</a> : null}
    </EntryCard>
  )
}
