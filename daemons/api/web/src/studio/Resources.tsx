/** The databases that queries run against. */
import { useQuery } from '@tanstack/react-query'
import { Database, Plus, Trash2, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import type { Resource } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { Grants } from './Grants'
import { PageHead } from './PageHead'
import { ResourceDialog } from './ResourceDialog'
import { resourcesQuery } from './lists'
import { useSession } from './session'
import { useRemoval } from './use-removal'

export function Resources() {
  const session = useSession()
  const resources = useQuery(resourcesQuery)
  const [edited, setEdited] = useState<Resource | 'new'>()
  const [shared, setShared] = useState<Resource>()
  const add = session.user.is_admin ? (
    <Button variant="primary" icon={Plus} onClick={() => setEdited('new')}>
      Add PostgreSQL
    </Button>
  ) : null
  const confirmed = useRemoval('resources')
  const remove = ({ name }: Resource) =>
    confirmed({ title: `Delete ${name}?`, text: 'Queries that name it fail from then on. The database itself stays as it is.', confirm: 'Delete resource' }, () =>
      api.DELETE('/api/v1/resources/{name}', { params: { path: { name } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <>
      <PageHead title="Resources">{add}</PageHead>
      <div className="page-body">
        <Loaded query={resources}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={Database} title="Connect a database" action={add}>
                A resource is a database that queries run against. Its password is sealed at once: only the connector can open it, and nobody can read it back.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Resource</th>
                    <th className="wide-only">Where</th>
                    <th className="wide-only">Your role</th>
                    <th className="wide-only">Changed</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((resource) => (
                    <tr key={resource.id}>
                      <td>
                        <span className="row">
                          <strong>{resource.name}</strong>
                          {resource.built_in ? <Badge tone="accent">Built in</Badge> : null}
                        </span>
                        <div className="muted">PostgreSQL</div>
                      </td>
                      <td className="wide-only mono">{resource.config ? `${resource.config.user}@${resource.config.host}:${resource.config.port ?? 5432}/${resource.config.database}` : ''}</td>
                      <td className="wide-only">{resource.role}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={resource.updated_at} />
                      </td>
                      <td className="actions">
                        {resource.role === 'admin' ? (
                          <span className="row">
                            {resource.built_in ? null : (
                              <Button size="small" onClick={() => setEdited(resource)}>
                                Edit
                              </Button>
                            )}
                            <Button variant="ghost" size="small" icon={UserPlus} label={`Share ${resource.name}`} onClick={() => setShared(resource)} />
                            {resource.built_in ? null : <Button variant="ghost" size="small" icon={Trash2} label={`Delete ${resource.name}`} onClick={() => void remove(resource)} />}
                          </span>
                        ) : null}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </div>
      {edited ? <ResourceDialog {...(edited === 'new' ? {} : { resource: edited })} onClose={() => setEdited(undefined)} /> : null}
      {shared ? <Grants kind="resources" slug={shared.name} title={shared.name} onClose={() => setShared(undefined)} /> : null}
    </>
  )
}
