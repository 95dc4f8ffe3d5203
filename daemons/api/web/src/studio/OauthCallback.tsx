/** Where a server sends people back to who said yes, or no. Usually in a window of its own, beside the page that asked. */
import { api, dataOf } from '../api/client'
import { accountChannel } from '../ui/accounts'
import { ErrorNotice } from '../ui/states'
import { EntryCard } from './EntryCard'
import { returned, useReturned } from './use-returned'

export function OauthCallback() {
  const complete = useReturned({
    denied: 'The server was told no, so nothing was connected.',
    handOn: () => dataOf(api.POST('/api/v1/accounts/complete', { body: { state: returned('state') ?? '', code: returned('code') ?? '' } })),
    onSuccess: ({ resource }) => {
      const channel = new BroadcastChannel(accountChannel)
      channel.postMessage(resource)
      channel.close()
      window.close()
    },
  })
  return (
    <EntryCard title="Connect an account">
      <ErrorNotice error={complete.error} />
      <p role="status">{complete.isSuccess ? `The account is connected to ${complete.data.resource}. You can close this window.` : complete.isError ? 'You can close this window and connect again.' : 'Connecting…'}</p>
      {complete.isSuccess ? <a href="/resources">To the resources</a> : null}
    </EntryCard>
  )
}
