/** What queries run against: databases, HTTP APIs, storages. */
import { useQuery } from '@tanstack/react-query'
import { Database, Network, Plus, Trash2, FolderInput, UserPlus } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { api } from '../api/client'
import type { Resource, ResourceConfig } from '../api/types'
import type { Fields } from '../document/described'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { PageHead } from './PageHead'
import { KindPicker } from './KindPicker'
import { ResourceDialog } from './ResourceDialog'
import { ResourceEditor } from './ResourceEditor'
import { ResourceTabs } from './ResourceTabs'
import { Usage } from './Usage'
import { resourcesQuery } from './lists'
import { kindLabel, resourceKinds } from './resource-kinds'
import { useSession } from './session'
import { useRemoval } from './use-removal'

const MoveDialog = lazy(async () => ({ default: (await import('./folders/MoveDialog')).MoveDialog }))
const Share = lazy(async () => ({ default: (await import('./sharing/Share')).Share }))

export function Resources() {
  const session = useSession()
  const resources = useQuery(resourcesQuery)
  const [edited, setEdited] = useState<Resource>()
  const [begun, setBegun] = useState<ResourceConfig>()
  const [isPicking, setPicking] = useState(false)
  const [used, setUsed] = useState<Resource>()
  const [shared, setShared] = useState<Resource>()
  const [moved, setMoved] = useState<Resource>()
  const add = session.user.is_admin ? (
    <Button variant="primary" icon={Plus} onClick={() => setPicking(true)}>
      Add resource
    </Button>
  ) : null
  const confirmed = useRemoval('resources')
  const remove = ({ name }: Resource) =>
    confirmed({ title: `Delete ${name}?`, text: 'Queries that name it fail from then on. What it leads to stays as it is.', confirm: 'Delete resource' }, () =>
      api.DELETE('/api/v1/resources/{name}', { params: { path: { name } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <>
      <PageHead title="Resources">{add}</PageHead>
      <ResourceTabs />
      <div className="page-body">
        <Loaded query={resources}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={Database} title="Connect what your tools work on" action={add}>
                A resource is a database, an API or another system that queries run against. Its password is sealed at once: only the connector can open it, and nobody can read it back.
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
                          {resource.environments.map((name) => (
                            <Badge key={name}>{name}</Badge>
                          ))}
                        </span>
                        <div className="muted">{resource.folder ? `${resource.folder} · ${kindLabel(resource.kind)}` : kindLabel(resource.kind)}</div>
                      </td>
                      <td className="wide-only mono">{resource.config ? (resourceKinds[resource.config.kind]?.where(resource.config as unknown as Fields) ?? '') : ''}</td>
                      <td className="wide-only">{resource.role}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={resource.updated_at} />
                      </td>
                      <td className="actions">
                        {resource.role === 'admin' ? (
                          <span className="row">
                            {!resource.config || !(resource.kind in resourceKinds) ? null : (
                              <Button size="small" onClick={() => setEdited(resource)}>
                                Edit
                              </Button>
                            )}
                            <Button variant="ghost" size="small" icon={Network} label={`What uses ${resource.name}`} onClick={() => setUsed(resource)} />
                            <Button variant="ghost" size="small" icon={UserPlus} label={`Share ${resource.name}`} onClick={() => setShared(resource)} />
                            <Button variant="ghost" size="small" icon={FolderInput} label={`Move ${resource.name}`} onClick={() => setMoved(resource)} />
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
      {isPicking ? (
        <KindPicker
          onClose={() => setPicking(false)}
          onPick={(kind) => {
            setPicking(false)
            setBegun(resourceKinds[kind].begin)
          }}
        />
      ) : null}
      {begun ? <ResourceDialog begin={begun} onClose={() => setBegun(undefined)} /> : null}
      {edited ? <ResourceEditor resource={edited} onClose={() => setEdited(undefined)} /> : null}
      {used ? <Usage name={used.name} onClose={() => setUsed(undefined)} /> : null}
      <Suspense>
        {shared ? <Share kind="resources" slug={shared.name} title={shared.name} onClose={() => setShared(undefined)} /> : null}
        {moved ? <MoveDialog kind="resources" slug={moved.name} title={moved.name} folder={moved.folder ?? ''} onClose={() => setMoved(undefined)} /> : null}
      </Suspense>
    </>
  )
}
