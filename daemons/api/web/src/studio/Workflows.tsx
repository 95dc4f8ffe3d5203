/** All workflows that the person may see. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Plus, UserPlus, Workflow } from 'lucide-react'
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
import { workflowsQuery } from './lists'

export function Workflows() {
  const navigate = useNavigate()
  const workflows = useQuery(workflowsQuery)
  const [isCreating, setCreating] = useState(false)
  const [shared, setShared] = useState<DocumentSummary>()
  const newWorkflow = (
    <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
      New workflow
    </Button>
  )
  return (
    <>
      <PageHead title="Workflows">{newWorkflow}</PageHead>
      <div className="page-body">
        <Loaded query={workflows}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={Workflow} title="Automate something" action={newWorkflow}>
                A workflow runs blocks of SQL, JavaScript and Python one after the other: when a webhook calls, say, load a month's orders, sum them up and answer. A run survives a crash and goes on where it was.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Workflow</th>
                    <th>Release</th>
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
                        <div className="muted mono">{workflow.slug}</div>
                      </td>
                      <td>{workflow.released_version ? <Badge tone="green">Version {workflow.released_version}</Badge> : <Badge>Draft</Badge>}</td>
                      <td className="wide-only">{workflow.role}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={workflow.updated_at} />
                      </td>
                      <td className="actions">
                        {workflow.role === 'admin' ? <Button variant="ghost" size="small" icon={UserPlus} label={`Share ${workflow.title}`} onClick={() => setShared(workflow)} /> : null}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </div>
      {isCreating ? (
        <CreateDocument
          noun="workflow"
          create={(slug, title) => dataOf(api.POST('/api/v1/workflows', { body: { slug, title } }))}
          onCreated={(slug) => void navigate({ to: '/workflows/$slug', params: { slug } })}
          onClose={() => setCreating(false)}
        />
      ) : null}
      {shared ? <Grants kind="workflows" slug={shared.slug} title={shared.title} onClose={() => setShared(undefined)} /> : null}
    </>
  )
}
