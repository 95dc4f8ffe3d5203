/** All apps that the person may see. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { AppWindow, Plus, Trash2, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { DocumentSummary } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { CreateDocument } from './CreateDocument'
import { Grants } from './Grants'
import { PageHead } from './PageHead'
import { appsQuery } from './lists'
import { useRemoval } from './use-removal'

export function Apps() {
  const navigate = useNavigate()
  const apps = useQuery(appsQuery)
  const [isCreating, setCreating] = useState(false)
  const [shared, setShared] = useState<DocumentSummary>()
  const newApp = (
    <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
      New app
    </Button>
  )
  return (
    <>
      <PageHead title="Apps">{newApp}</PageHead>
      <div className="page-body">
        <Loaded query={apps}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={AppWindow} title="Build your first app" action={newApp}>
                An app is a page of components over your data: a search box, a table of customers, a button that updates one of them. Draw it, bind it with {'{{ }}'}, release it to your team.
              </EmptyState>
            ) : (
              <AppTable apps={all} onShare={setShared} />
            )
          }
        </Loaded>
      </div>
      {isCreating ? (
        <CreateDocument
          noun="app"
          create={(slug, title) => dataOf(api.POST('/api/v1/apps', { body: { slug, title } }))}
          onCreated={(slug) => void navigate({ to: '/apps/$slug/edit', params: { slug } })}
          onClose={() => setCreating(false)}
        />
      ) : null}
      {shared ? <Grants kind="apps" slug={shared.slug} title={shared.title} onClose={() => setShared(undefined)} /> : null}
    </>
  )
}

function AppTable({ apps, onShare }: { apps: DocumentSummary[]; onShare: (app: DocumentSummary) => void }) {
  const confirmed = useRemoval('apps')
  const remove = ({ slug, title }: DocumentSummary) =>
    confirmed({ title: `Delete ${title}?`, text: 'The app, its draft and all its releases go. Nobody can use it any more.', confirm: 'Delete app' }, () =>
      api.DELETE('/api/v1/apps/{slug}', { params: { path: { slug } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <table className="list">
      <thead>
        <tr>
          <th>App</th>
          <th>Release</th>
          <th className="wide-only">Your role</th>
          <th className="wide-only">Changed</th>
          <th>
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {apps.map((app) => (
          <tr key={app.id}>
            <td>
              <a className="main-link" href={app.released_version || app.role === 'viewer' ? `/apps/${app.slug}` : `/apps/${app.slug}/edit`}>
                {app.title}
              </a>
              <div className="muted mono">/apps/{app.slug}</div>
            </td>
            <td>{app.released_version ? <Badge tone="green">Version {app.released_version}</Badge> : <Badge>Draft</Badge>}</td>
            <td className="wide-only">{app.role}</td>
            <td className="wide-only muted">
              <RelativeTime at={app.updated_at} />
            </td>
            <td className="actions">
              <span className="row">
                {app.role === 'viewer' ? null : (
                  <a className="button small" href={`/apps/${app.slug}/edit`}>
                    Edit
                  </a>
                )}
                {app.role === 'admin' ? (
                  <>
                    <Button variant="ghost" size="small" icon={UserPlus} label={`Share ${app.title}`} onClick={() => onShare(app)} />
                    <Button variant="ghost" size="small" icon={Trash2} label={`Delete ${app.title}`} onClick={() => void remove(app)} />
                  </>
                ) : null}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
