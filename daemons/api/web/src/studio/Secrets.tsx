/** The secrets that code may use. For administrators. */
import { useQuery } from '@tanstack/react-query'
import { KeyRound, Plus, Trash2, Workflow } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import type { Secret } from '../api/types'
import { Button } from '../ui/Button'
import { RelativeTime, count } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { PageHead } from './PageHead'
import { SecretDialog } from './SecretDialog'
import { SecretGrants } from './SecretGrants'
import { secretsQuery } from './lists'
import { useRemoval } from './use-removal'

export function Secrets() {
  const secrets = useQuery(secretsQuery)
  const [edited, setEdited] = useState<Secret | 'new'>()
  const [granted, setGranted] = useState<Secret>()
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setEdited('new')}>
      Add secret
    </Button>
  )
  const confirmed = useRemoval('secrets')
  const remove = ({ name, workflows }: Secret) => {
    const users = workflows.length > 0 ? `${count(workflows.length, 'workflow')} may use it: code that asks for it fails from then on.` : 'No workflow may use it.'
    return confirmed({ title: `Delete ${name}?`, text: `${users} Its value is gone for good.`, confirm: 'Delete secret' }, () =>
      api.DELETE('/api/v1/secrets/{name}', { params: { path: { name } }, headers: { 'content-type': 'application/json' } }),
    )
  }
  return (
    <>
      <PageHead title="Secrets">{secrets.data?.length === 0 ? null : add}</PageHead>
      <div className="page-body">
        <Loaded query={secrets}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={KeyRound} title="Keep keys out of code" action={add}>
                Store a token or password once, grant it to workflows, and their code reads it with <code>secret('name')</code>. It is sealed at once: nobody can read it back here, and each use is audited.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Secret</th>
                    <th className="wide-only">May be used by</th>
                    <th className="wide-only">Value set</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((secret) => (
                    <tr key={secret.id}>
                      <td>
                        <strong className="mono">{secret.name}</strong>
                        <div className="muted narrow-only">{titlesOf(secret)}</div>
                      </td>
                      <td className={secret.workflows.length === 0 ? 'wide-only muted' : 'wide-only'}>{titlesOf(secret)}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={secret.updated_at} /> by {secret.updated_by ?? 'root'}
                      </td>
                      <td className="actions">
                        <span className="row">
                          <Button size="small" onClick={() => setEdited(secret)}>
                            Replace
                          </Button>
                          <Button variant="ghost" size="small" icon={Workflow} label={`Grant ${secret.name}`} onClick={() => setGranted(secret)} />
                          <Button variant="ghost" size="small" icon={Trash2} label={`Delete ${secret.name}`} onClick={() => void remove(secret)} />
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
      {edited ? <SecretDialog {...(edited === 'new' ? {} : { secret: edited })} onClose={() => setEdited(undefined)} /> : null}
      {granted ? <SecretGrants secret={granted} onClose={() => setGranted(undefined)} /> : null}
    </>
  )
}

function titlesOf({ workflows }: Secret): string {
  const [first, second, ...rest] = workflows.map((workflow) => workflow.title)
  if (second === undefined) return first ?? 'No workflow yet'
  return rest.length === 0 ? `${first}, ${second}` : `${first} and ${rest.length + 1} more`
}
