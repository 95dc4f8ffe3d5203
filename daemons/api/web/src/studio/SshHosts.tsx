/** The SSH hosts that resources are reached through. For administrators. */
import { useQuery } from '@tanstack/react-query'
import { Plus, Trash2, Waypoints } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import type { SshHost } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { PageHead } from './PageHead'
import { ResourceTabs } from './ResourceTabs'
import { SshHostDialog } from './SshHostDialog'
import { sshHostsQuery } from './lists'
import { wayTo, whereOf } from './ssh-hosts'
import { useRemoval } from './use-removal'

export function SshHosts() {
  const hosts = useQuery(sshHostsQuery)
  const [edited, setEdited] = useState<SshHost | 'new'>()
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setEdited('new')}>
      Add SSH host
    </Button>
  )
  const confirmed = useRemoval('ssh-hosts')
  const remove = ({ name }: SshHost) =>
    confirmed({ title: `Delete ${name}?`, text: 'Its key or password is gone for good. A host that resources or other hosts are reached through cannot be deleted.', confirm: 'Delete SSH host' }, () =>
      api.DELETE('/api/v1/ssh-hosts/{name}', { params: { path: { name } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <>
      <PageHead title="SSH hosts">{hosts.data?.length === 0 ? null : add}</PageHead>
      <ResourceTabs />
      <div className="page-body">
        <Loaded query={hosts}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={Waypoints} title="Reach what is behind a bastion" action={add}>
                A database in a network of its own is reached through an SSH host there. Its key is confirmed once, here; from then on no other is accepted. The private key or password is sealed at once: only the SSH connector can open it.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>SSH host</th>
                    <th className="wide-only">Reached through</th>
                    <th className="wide-only">Used by</th>
                    <th className="wide-only">Changed</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((host) => (
                    <tr key={host.id}>
                      <td>
                        <span className="row">
                          <strong>{host.name}</strong>
                          <Badge>{host.authentication === 'key' ? 'Key' : 'Password'}</Badge>
                        </span>
                        <div className="muted mono">{whereOf(host.config)}</div>
                      </td>
                      <td className="wide-only">
                        {wayTo(host, all)
                          .slice(0, -1)
                          .map(({ name }) => name)
                          .join(' → ') || <span className="muted">Directly</span>}
                      </td>
                      <td className="wide-only">{usesOf(host) || <span className="muted">Nothing yet</span>}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={host.updated_at} />
                      </td>
                      <td className="actions">
                        <span className="row">
                          <Button size="small" onClick={() => setEdited(host)}>
                            Edit
                          </Button>
                          <Button variant="ghost" size="small" icon={Trash2} label={`Delete ${host.name}`} onClick={() => void remove(host)} />
                        </span>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </div>
      {edited ? <SshHostDialog all={hosts.data ?? []} {...(edited === 'new' ? {} : { stored: edited })} onClose={() => setEdited(undefined)} /> : null}
    </>
  )
}

function usesOf({ resources, ssh_hosts }: SshHost): string {
  return [...resources, ...ssh_hosts.map((name) => `SSH host ${name}`)].join(', ')
}
