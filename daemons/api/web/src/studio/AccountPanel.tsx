/** The account that a resource asks as: whether it is connected, and how to. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Unplug } from 'lucide-react'
import { api, dataOf } from '../api/client'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { ConnectAccount } from '../ui/ConnectAccount'
import { CopyField } from '../ui/CopyField'
import { RelativeTime } from '../ui/format'
import { ErrorNotice, Loaded } from '../ui/states'

export function AccountPanel({ resource }: { resource: string }) {
  const queryClient = useQueryClient()
  const params = { path: { name: resource } }
  const key = ['resources', resource, 'account']
  const account = useQuery({ queryKey: key, queryFn: () => dataOf(api.GET('/api/v1/resources/{name}/account', { params })) })
  const refresh = () => queryClient.invalidateQueries({ queryKey: key })
  const disconnect = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.DELETE('/api/v1/resources/{name}/account', { params, headers: { 'content-type': 'application/json' } }),
    onSuccess: refresh,
  })
  return (
    <section className="field" aria-label="Account">
      <Loaded query={account}>
        {(found) => (
          <>
            <div className="row">
              <span className="label">{found.account === 'own' ? 'Your account' : 'Shared account'}</span>
              <Badge tone={found.is_connected ? 'green' : found.is_refused ? 'red' : 'neutral'}>{found.is_connected ? 'Connected' : found.is_refused ? 'Refused by the server' : 'Not connected'}</Badge>
              <span className="grow" />
              {found.is_connected || found.is_refused ? (
                <Button size="small" icon={Unplug} isBusy={disconnect.isPending} onClick={() => disconnect.mutate()}>
                  Disconnect
                </Button>
              ) : null}
              <ConnectAccount resource={resource} label={found.is_connected || found.is_refused ? 'Connect again' : 'Connect'} onConnected={() => void refresh()} />
            </div>
            {found.connected_at ? (
              <p className="hint muted">
                Connected by {found.connected_by ?? 'somebody who has gone'} <RelativeTime at={found.connected_at} />
                {found.account === 'own' ? '. Each person connects an account of their own when a query asks for it.' : ''}
              </p>
            ) : null}
            <CopyField label="Redirect URI to register at the server" value={found.redirect_uri} />
          </>
        )}
      </Loaded>
      <ErrorNotice error={disconnect.error} />
    </section>
  )
}
