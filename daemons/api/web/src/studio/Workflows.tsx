/** All workflows that the person may see. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Import, Plus, FolderInput, UserPlus, Workflow } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { api, dataOf } from '../api/client'
import type { DocumentSummary } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { ImportDialog } from '../workflow/imports/ImportDialog'
import { CreateDocument } from './CreateDocument'
import { PageHead } from './PageHead'
import { workflowsQuery } from './lists'

const MoveDialog = lazy(async () => ({ default: (await import('./folders/MoveDialog')).MoveDialog }))
const Share = lazy(async () => ({ default: (await import('./sharing/Share')).Share }))

export function Workflows() {
  const navigate = useNavigate()
  const workflows = useQuery(workflowsQuery)
  const [opened, setOpened] = useState<'create' | 'import'>()
  const [shared, setShared] = useState<DocumentSummary>()
  const [moved, setMoved] = useState<DocumentSummary>()
  const ways = (
    <>
      <Button icon={Import} onClick={() => setOpened('import')}>
        Import from n8n…
      </Button>
      <Button variant="primary" icon={Plus} onClick={() => setOpened('create')}>
        New workflow
      </Button>
    </>
  )
  return (
    <>
      <PageHead title="Workflows">{ways}</PageHead>
      <div className="page-body">
        <Loaded query={workflows}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={Workflow} title="Automate something" action={<div className="row wrap">{ways}</div>}>
                A workflow runs blocks of SQL, JavaScript and Python one after the other: when a webhook calls, say, load a month's orders, sum them up and answer. A run survives a crash and goes on where it was.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Workflow</th>
                    <th>Version</th>
                    <th className="wide-only">Your role</th>
                    <th className="wide-only">Changed</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((workflow) => (
                    <tr key={workflow.id}>
                      <td>
                        <Link className="main-link" to="/workflows/$slug" params={{ slug: workflow.slug }}>
                          {workflow.title}
                        </Link>
                        <div className="muted mono">{workflow.folder ? `${workflow.folder} · ${workflow.slug}` : workflow.slug}</div>
                      </td>
                      <td>{workflow.released_version ? <Badge tone="green">Version {workflow.released_version}</Badge> : <Badge>Draft</Badge>}</td>
                      <td className="wide-only">{workflow.role}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={workflow.updated_at} />
                      </td>
                      <td className="actions">
                        {workflow.role === 'admin' ? (
                          <span className="row">
                            <Button variant="ghost" size="small" icon={UserPlus} label={`Share ${workflow.title}`} onClick={() => setShared(workflow)} />
                            <Button variant="ghost" size="small" icon={FolderInput} label={`Move ${workflow.title}`} onClick={() => setMoved(workflow)} />
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
      {opened === 'create' ? (
        <CreateDocument
          noun="workflow"
          create={(slug, title) => dataOf(api.POST('/api/v1/workflows', { body: { slug, title } }))}
          onCreated={(slug) => void navigate({ to: '/workflows/$slug', params: { slug } })}
          onClose={() => setOpened(undefined)}
        />
      ) : null}
      {opened === 'import' ? <ImportDialog onClose={() => setOpened(undefined)} /> : null}
      <Suspense>
        {shared ? <Share kind="workflows" slug={shared.slug} title={shared.title} onClose={() => setShared(undefined)} /> : null}
        {moved ? <MoveDialog kind="workflows" slug={moved.slug} title={moved.title} folder={moved.folder ?? ''} onClose={() => setMoved(undefined)} /> : null}
      </Suspense>
    </>
  )
}
