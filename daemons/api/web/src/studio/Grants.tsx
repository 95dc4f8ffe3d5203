/** Who may do what with an app, workflow, resource or query of the library. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { GrantList, Role } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { SelectField } from '../ui/Field'
import { ErrorNotice, SkeletonRows } from '../ui/states'
import { usersQuery } from './lists'
import { useSession } from './session'

type Kind = 'apps' | 'workflows' | 'resources' | 'queries'

const json = { 'content-type': 'application/json' }
const roles = [
  ['viewer', 'Viewer: uses what is released'],
  ['editor', 'Editor: changes, runs, releases'],
  ['admin', 'Admin: shares and deletes'],
] as const

/** The kinds have the same routes under names of their own. */
const routes: Record<Kind, { list: (slug: string) => Promise<GrantList>; set: (slug: string, user: string, role: Role) => Promise<unknown>; remove: (slug: string, user: string) => Promise<unknown> }> = {
  apps: {
    list: (slug) => dataOf(api.GET('/api/v1/apps/{slug}/grants', { params: { path: { slug } } })),
    set: (slug, user, role) => api.PUT('/api/v1/apps/{slug}/grants/{user}', { params: { path: { slug, user } }, body: { role } }),
    remove: (slug, user) => api.DELETE('/api/v1/apps/{slug}/grants/{user}', { params: { path: { slug, user } }, headers: json }),
  },
  workflows: {
    list: (slug) => dataOf(api.GET('/api/v1/workflows/{slug}/grants', { params: { path: { slug } } })),
    set: (slug, user, role) => api.PUT('/api/v1/workflows/{slug}/grants/{user}', { params: { path: { slug, user } }, body: { role } }),
    remove: (slug, user) => api.DELETE('/api/v1/workflows/{slug}/grants/{user}', { params: { path: { slug, user } }, headers: json }),
  },
  queries: {
    list: (slug) => dataOf(api.GET('/api/v1/queries/{slug}/grants', { params: { path: { slug } } })),
    set: (slug, user, role) => api.PUT('/api/v1/queries/{slug}/grants/{user}', { params: { path: { slug, user } }, body: { role } }),
    remove: (slug, user) => api.DELETE('/api/v1/queries/{slug}/grants/{user}', { params: { path: { slug, user } }, headers: json }),
  },
  resources: {
    list: (name) => dataOf(api.GET('/api/v1/resources/{name}/grants', { params: { path: { name } } })),
    set: (name, user, role) => api.PUT('/api/v1/resources/{name}/grants/{user}', { params: { path: { name, user } }, body: { role } }),
    remove: (name, user) => api.DELETE('/api/v1/resources/{name}/grants/{user}', { params: { path: { name, user } }, headers: json }),
  },
}

export function Grants({ kind, slug, title, onClose }: { kind: Kind; slug: string; title: string; onClose: () => void }) {
  const session = useSession()
  const queryClient = useQueryClient()
  const key = ['grants', kind, slug]
  const grants = useQuery({ queryKey: key, queryFn: async () => (await routes[kind].list(slug)).grants })
  const users = useQuery({ ...usersQuery, enabled: session.user.is_admin })
  const [user, setUser] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const refresh = () => queryClient.invalidateQueries({ queryKey: key })
  const set = useMutation({ meta: { showsError: true }, mutationFn: (grant: { user: string; role: Role }) => routes[kind].set(slug, grant.user, grant.role), onSuccess: refresh })
  const remove = useMutation({ meta: { showsError: true }, mutationFn: (id: string) => routes[kind].remove(slug, id), onSuccess: refresh })
  const others = (users.data ?? []).filter((candidate) => !grants.data?.some((grant) => grant.user === candidate.id) && !candidate.disabled)
  return (
    <Dialog
      title={`Share ${title}`}
      isWide
      onClose={onClose}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <ErrorNotice error={grants.error ?? set.error ?? remove.error} />
      {grants.isPending ? (
        <SkeletonRows count={3} />
      ) : grants.data?.length ? (
        <table className="list">
          <thead>
            <tr>
              <th>Person</th>
              <th>Role</th>
              <th>
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {grants.data.map((grant) => (
              <tr key={grant.user}>
                <td>
                  {grant.name}
                  <div className="muted">{grant.email}</div>
                </td>
                <td>
                  <select className="input" aria-label={`Role of ${grant.name}`} value={grant.role} onChange={(event) => set.mutate({ user: grant.user, role: event.target.value as Role })}>
                    {roles.map(([value, text]) => (
                      <option key={value} value={value}>
                        {text}
                      </option>
                    ))}
                  </select>
                </td>
                <td className="actions">
                  <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${grant.name}`} onClick={() => remove.mutate(grant.user)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p className="muted">Nobody has a role here yet. Administrators may do everything anyway.</p>
      )}
      {session.user.is_admin ? (
        <div className="row">
          <div className="grow">
            <SelectField label="Person" value={user} onChange={(event) => setUser(event.target.value)} options={[['', others.length ? 'Choose a person' : 'Everybody has a role'], ...others.map((other) => [other.id, `${other.name} (${other.email})`] as const)]} />
          </div>
          <div className="grow">
            <SelectField label="Role" value={role} onChange={(event) => setRole(event.target.value as Role)} options={roles} />
          </div>
          <Button
            className="align-end"
            disabled={user === ''}
            onClick={() => {
              set.mutate({ user, role })
              setUser('')
            }}
          >
            Add
          </Button>
        </div>
      ) : null}
    </Dialog>
  )
}
