/** The query library: queries that apps and workflows share. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { LibraryBig, Network, Plus, Trash2, FolderInput, UserPlus } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { api } from '../api/client'
import type { LibraryQuerySummary } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { CreateDocument } from './CreateDocument'
import { PageHead } from './PageHead'
import { Usage } from './Usage'
import { libraryQuery, resourcesQuery } from './lists'
import { useRemoval } from './use-removal'

const MoveDialog = lazy(async () => ({ default: (await import('./folders/MoveDialog')).MoveDialog }))
const Share = lazy(async () => ({ default: (await import('./sharing/Share')).Share }))

export function Queries() {
  const navigate = useNavigate()
  const queries = useQuery(libraryQuery)
  const resources = useQuery(resourcesQuery).data ?? []
  const [isCreating, setCreating] = useState(false)
  const [used, setUsed] = useState<LibraryQuerySummary>()
  const [shared, setShared] = useState<LibraryQuerySummary>()
  const [moved, setMoved] = useState<LibraryQuerySummary>()
  const add = (
    <Button variant="primary" icon={Plus} disabled={resources.length === 0} onClick={() => setCreating(true)}>
      New query
    </Button>
  )
  const confirmed = useRemoval('queries')
  const remove = ({ slug, title }: LibraryQuerySummary) =>
    confirmed({ title: `Delete ${title}?`, text: 'The query and all its releases go. While an app or a workflow uses it, it stays.', confirm: 'Delete query' }, () =>
      api.DELETE('/api/v1/queries/{slug}', { params: { path: { slug } }, headers: { 'content-type': 'application/json' } }),
    )
  const create = async (slug: string, title: string) => {
    const resource = resources.find((one) => one.kind === 'postgresql' && one.role !== 'viewer')?.name ?? resources[0]?.name ?? ''
    await api.POST('/api/v1/queries', { body: { slug, document: { format: 1, title, query: { resource, statement: 'select 1 as one' }, parameters: {} } } })
  }
  return (
    <>
      <PageHead title="Queries">{queries.data?.length === 0 ? null : add}</PageHead>
      <div className="page-body">
        <Loaded query={queries}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={LibraryBig} title="Write a query once" action={add}>
                A query in the library is used by many apps and workflows, with arguments. What is released here counts for those that follow it, and those that name a version stay as they are.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Query</th>
                    <th className="wide-only">Resource</th>
                    <th className="wide-only">Changed</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((query) => (
                    <tr key={query.id}>
                      <td>
                        <span className="row">
                          {query.role === 'viewer' ? (
                            <strong>{query.title}</strong>
                          ) : (
                            <Link to="/queries/$slug" params={{ slug: query.slug }}>
                              <strong>{query.title}</strong>
                            </Link>
                          )}
                          {query.released_version ? <Badge tone="green">Version {query.released_version}</Badge> : <Badge>Never released</Badge>}
                        </span>
                        <div className="muted">{query.folder ? `${query.folder} · ` : ''}{query.description || query.slug}</div>
                      </td>
                      <td className="wide-only mono">{query.resource}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={query.updated_at} />
                      </td>
                      <td className="actions">
                        {query.role === 'viewer' ? null : (
                          <span className="row">
                            <Button variant="ghost" size="small" icon={Network} label={`What uses ${query.title}`} onClick={() => setUsed(query)} />
                            {query.role === 'admin' ? (
                              <>
                                <Button variant="ghost" size="small" icon={UserPlus} label={`Share ${query.title}`} onClick={() => setShared(query)} />
                                <Button variant="ghost" size="small" icon={FolderInput} label={`Move ${query.title}`} onClick={() => setMoved(query)} />
                                <Button variant="ghost" size="small" icon={Trash2} label={`Delete ${query.title}`} onClick={() => void remove(query)} />
                              </>
                            ) : null}
                          </span>
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </div>
      {isCreating ? <CreateDocument noun="query" create={create} onCreated={(slug) => void navigate({ to: '/queries/$slug', params: { slug } })} onClose={() => setCreating(false)} /> : null}
      {used ? <Usage kind="queries" name={used.slug} title={used.title} onClose={() => setUsed(undefined)} /> : null}
      <Suspense>
        {shared ? <Share kind="queries" slug={shared.slug} title={shared.title} onClose={() => setShared(undefined)} /> : null}
        {moved ? <MoveDialog kind="queries" slug={moved.slug} title={moved.title} folder={moved.folder ?? ''} onClose={() => setMoved(undefined)} /> : null}
      </Suspense>
    </>
  )
}
