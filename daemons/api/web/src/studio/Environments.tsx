/** Environments: production, staging and others, each with settings and secrets of resources of its own. For administrators. */
import { useQuery } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import type { Environment } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { EnvironmentBadge } from '../ui/EnvironmentChooser'
import { Loaded } from '../ui/states'
import { EnvironmentDialog, accessTexts } from './EnvironmentDialog'
import { PageHead } from './PageHead'
import { environmentsQuery } from './lists'
import { useRemoval } from './use-removal'

function accessText({ is_default, access, groups }: Environment): string {
  if (is_default) return accessTexts.everyone
  return access === 'groups' ? groups.join(', ') : accessTexts[access]
}

export function Environments() {
  const environments = useQuery(environmentsQuery)
  const [edited, setEdited] = useState<Environment | 'new'>()
  const confirmed = useRemoval('environments')
  const remove = ({ name }: Environment) =>
    confirmed({ title: `Remove ${name}?`, text: 'Runs that were made in it keep its name in their history. While a resource, a trigger or a run uses it, it stays.', confirm: 'Remove environment' }, () =>
      api.DELETE('/api/v1/environments/{environment}', { params: { path: { environment: name } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <>
      <PageHead title="Environments">
        <Button variant="primary" icon={Plus} onClick={() => setEdited('new')}>
          Add environment
        </Button>
      </PageHead>
      <div className="page-body">
        <p className="muted">An app or a run uses one environment: its resources go to the databases, and open the secrets, that were entered for it. What a resource lacks in an environment is refused there, and never taken from another.</p>
        <Loaded query={environments}>
          {(all) => (
            <table className="list">
              <thead>
                <tr>
                  <th>Environment</th>
                  <th>Who may use it</th>
                  <th>
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.map((environment) => (
                  <tr key={environment.name}>
                    <td>
                      <span className="row">
                        <EnvironmentBadge environment={environment} />
                        {environment.is_default ? <Badge>Default</Badge> : null}
                      </span>
                    </td>
                    <td>{accessText(environment)}</td>
                    <td className="actions">
                      <span className="row">
                        <Button size="small" title={`Edit ${environment.name}`} onClick={() => setEdited(environment)}>
                          Edit
                        </Button>
                        {environment.is_default ? null : <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${environment.name}`} onClick={() => void remove(environment)} />}
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Loaded>
      </div>
      {edited ? <EnvironmentDialog {...(edited === 'new' ? {} : { environment: edited })} onClose={() => setEdited(undefined)} /> : null}
    </>
  )
}
