/** The people of this instance. For administrators. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { LogOut, ShieldOff, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { User } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { CopyField } from '../ui/CopyField'
import { Dialog } from '../ui/Dialog'
import { CheckField, TextField } from '../ui/Field'
import { RelativeTime } from '../ui/format'
import { MenuButton, MenuItem } from '../ui/MenuButton'
import { ErrorNotice, Loaded } from '../ui/states'
import { PageHead } from './PageHead'
import { PeopleTabs } from './PeopleTabs'
import { usersQuery } from './lists'
import { useSession } from './session'
import { useRemoval } from './use-removal'

interface Invitation {
  email: string
  link: string
}

export function Users() {
  const users = useQuery(usersQuery)
  const [isInviting, setInviting] = useState(false)
  const [invitation, setInvitation] = useState<Invitation>()
  return (
    <>
      <PageHead title="Users">
        <Button variant="primary" icon={UserPlus} onClick={() => setInviting(true)}>
          Invite a person
        </Button>
      </PageHead>
      <PeopleTabs />
      <div className="page-body">
        <Loaded query={users}>{(all) => <UserTable users={all} onInvited={setInvitation} />}</Loaded>
      </div>
      {isInviting ? (
        <Invite
          onClose={() => setInviting(false)}
          onInvited={(made) => {
            setInviting(false)
            setInvitation(made)
          }}
        />
      ) : null}
      {invitation ? (
        <Dialog
          title="Hand over this link"
          onClose={() => setInvitation(undefined)}
          footer={
            <Button variant="primary" onClick={() => setInvitation(undefined)}>
              Done
            </Button>
          }
        >
          <p>
            {invitation.email} chooses a password with it. It works once, within a day, and cannot be shown again.
          </p>
          <CopyField label="Invitation link" value={invitation.link} />
        </Dialog>
      ) : null}
    </>
  )
}

function UserTable({ users, onInvited }: { users: User[]; onInvited: (invitation: Invitation) => void }) {
  const session = useSession()
  const queryClient = useQueryClient()
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['users'] })
  const update = useMutation({
    mutationFn: ({ id, ...body }: { id: string; disabled?: boolean; is_admin?: boolean }) => api.PATCH('/api/v1/users/{id}', { params: { path: { id } }, body }),
    onSuccess: refresh,
  })
  const confirmed = useRemoval('users')
  const headers = { 'content-type': 'application/json' }
  const endSessions = ({ id, name }: User) =>
    confirmed({ title: `End all sessions of ${name}?`, text: 'They have to log in again everywhere.', confirm: 'End sessions' }, () => api.DELETE('/api/v1/users/{id}/sessions', { params: { path: { id } }, headers }))
  const resetFactor = ({ id, name }: User) =>
    confirmed({ title: `Reset the second factor of ${name}?`, text: 'Their password alone logs them in until they set up another. Be sure that it is they who ask.', confirm: 'Reset second factor' }, () =>
      api.DELETE('/api/v1/users/{id}/second-factor', { params: { path: { id } }, headers }),
    )
  const invite = useMutation({
    mutationFn: async (user: User) => ({ email: user.email, link: (await dataOf(api.POST('/api/v1/users/{id}/invitation', { params: { path: { id: user.id } }, headers: { 'content-type': 'application/json' } }))).link }),
    onSuccess: onInvited,
  })
  return (
    <table className="list">
      <thead>
        <tr>
          <th>Person</th>
          <th>State</th>
          <th className="wide-only">Since</th>
          <th>
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <tr key={user.id}>
            <td>
              <strong>{user.name}</strong>
              <div className="muted">{user.email}</div>
            </td>
            <td>
              <span className="row wrap">
                {user.disabled ? <Badge tone="red">Disabled</Badge> : user.invited ? <Badge tone="amber">Invited</Badge> : <Badge tone="green">Active</Badge>}
                {user.second_factor ? <Badge>Second factor</Badge> : null}
                {user.is_admin ? <Badge tone="accent">Administrator</Badge> : null}
              </span>
            </td>
            <td className="wide-only muted">
              <RelativeTime at={user.created_at} />
            </td>
            <td className="actions">
              <span className="row">
                {user.disabled ? null : (
                  <Button size="small" onClick={() => invite.mutate(user)}>
                    New link
                  </Button>
                )}
                {user.id === session.user.id ? null : (
                  <MenuButton text="More" size="small" label={`Actions on ${user.name}`}>
                    <MenuItem icon={LogOut} onChoose={() => void endSessions(user)}>
                      End all sessions
                    </MenuItem>
                    {user.second_factor ? (
                      <MenuItem icon={ShieldOff} isDanger onChoose={() => void resetFactor(user)}>
                        Reset second factor
                      </MenuItem>
                    ) : null}
                  </MenuButton>
                )}
                {user.id === session.user.id ? null : (
                  <Button size="small" variant={user.disabled ? 'secondary' : 'danger'} onClick={() => update.mutate({ id: user.id, disabled: !user.disabled })}>
                    {user.disabled ? 'Enable' : 'Disable'}
                  </Button>
                )}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Invite({ onClose, onInvited }: { onClose: () => void; onInvited: (invitation: Invitation) => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [isAdmin, setAdmin] = useState(false)
  const create = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/users', { body: { name, email, is_admin: isAdmin } })),
    onSuccess: async ({ user, link }) => {
      await queryClient.invalidateQueries({ queryKey: ['users'] })
      onInvited({ email: user.email, link })
    },
  })
  return (
    <Dialog
      title="Invite a person"
      onClose={onClose}
      onSubmit={() => create.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={create.isPending}>
            Create invitation
          </Button>
        </>
      }
    >
      <ErrorNotice error={create.error} />
      <TextField label="Name" required autoFocus value={name} onChange={(event) => setName(event.target.value)} />
      <TextField label="E-mail" type="email" required hint="They log in with it. Nothing is sent: you hand the link over." value={email} onChange={(event) => setEmail(event.target.value)} />
      <CheckField label="Administrator: may do everything" checked={isAdmin} onChange={(event) => setAdmin(event.target.checked)} />
    </Dialog>
  )
}
