/** Connects an account by its server's own page, which opens in a window of its own. */
import { Plug } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { api, dataOf } from '../api/client'
import { messageOf } from '../api/problem'
import { t } from '../messages/messages'
import { Button } from './Button'
import { accountChannel } from './accounts'

interface Props {
  /** The resource's name. */
  resource: string
  label?: string
  onConnected?: () => void
}

type State = { is: 'idle' | 'asking' | 'connected' } | { is: 'failed'; message: string }

export function ConnectAccount({ resource, label, onConnected }: Props) {
  const [state, setState] = useState<State>({ is: 'idle' })
  const connected = useRef(onConnected)
  useEffect(() => {
    connected.current = onConnected
  }, [onConnected])
  useEffect(() => {
    const channel = new BroadcastChannel(accountChannel)
    channel.onmessage = ({ data }) => {
      if (data !== resource) return
      setState({ is: 'connected' })
      connected.current?.()
    }
    return () => channel.close()
  }, [resource])
  const connect = async () => {
    setState({ is: 'asking' })
    // At once: a window that opens after a wait is taken for an advertisement.
    const page = window.open('', '_blank', 'popup,width=640,height=760')
    try {
      const { url } = await dataOf(api.POST('/api/v1/resources/{name}/account/connect', { params: { path: { name: resource } }, headers: { 'content-type': 'application/json' } }))
      if (page) page.location.href = url
      else location.assign(url)
      setState({ is: 'idle' })
    } catch (error) {
      page?.close()
      setState({ is: 'failed', message: messageOf(error) })
    }
  }
  return (
    <div className="stack">
      <Button size="small" icon={Plug} isBusy={state.is === 'asking'} onClick={() => void connect()}>
        {label ?? t('Connect')}
      </Button>
      {state.is === 'failed' ? <p role="alert">{state.message}</p> : null}
      {state.is === 'connected' && !onConnected ? <p role="status">{t('Connected. Run it again.')}</p> : null}
    </div>
  )
}
