/** Where a server sends people back to who said yes, or no. Usually in a window of its own, beside the page that asked. */
import { useMutation } from '@tanstack/react-query'
import { useEffect } from 'react'
import { api, dataOf } from '../api/client'
import { accountChannel } from '../ui/accounts'
import { ErrorNotice } from '../ui/states'
import { EntryCard } from './EntryCard'
import { openedWith } from './router'

/** What a server says in place of a code, in words. */
function refusalOf(error: string, description: string | null): Error {
  return new Error(error === 'access_denied' ? 'The server was told no, so nothing was connected.' : `The server says: ${description ?? error}`)
}

export function OauthCallback() {
  const complete = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const error = openedWith.get('error')
      if (error) throw refusalOf(error, openedWith.get('error_description'))
      return dataOf(api.POST('/api/v1/accounts/complete', { body: { state: openedWith.get('state') ?? '', code: openedWith.get('code') ?? '' } }))
    },
    onSuccess: ({ resource }) => {
      const channel = new BroadcastChannel(accountChannel)
      channel.postMessage(resource)
      channel.close()
      window.close()
    },
  })
  const { mutate } = complete
  useEffect(() => {
    // What stands in an address is kept by the browser.
    history.replaceState(null, '', location.pathname)
    mutate()
  }, [mutate])
  return (
    <EntryCard title="Connect an account">
      <ErrorNotice error={complete.error} />
      <p role="status">{complete.isSuccess ? `The account is connected to ${complete.data.resource}. You can close this window.` : complete.isError ? 'You can close this window and connect again.' : 'Connecting…'}</p>
      {complete.isSuccess ? <a href="/resources">To the resources</a> : null}
    </EntryCard>
  )
}
