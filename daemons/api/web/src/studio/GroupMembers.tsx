/** Who belongs to a group. Each change counts at once. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { SelectField } from '../ui/Field'
import { ErrorNotice, Loaded } from '../ui/states'
import { usersQuery } from './lists'

export function GroupMembers({ name, onClose }: { name: string; onClose: () => void }) {
  const queryClient = useQueryClient()
  const detail = useQuery({ queryKey: ['groups', name], queryFn: () => dataOf(api.GET('/api/v1/groups/{name}', { params: { path: { name } } })) })
  const users = useQuery(usersQuery)
  const [chosen, setChosen] = useState('')
  const change = useMutation({
    meta: { showsError: true },
    mutationFn: ({ user, isMember }: { user: string; isMember: boolean }) => {
      const request = { params: { path: { name, user } }, headers: { 'content-type': 'application/json' } }
      return isMember ? api.PUT('/api/v1/groups/{name}/members/{user}', request) : api.DELETE('/api/v1/groups/{name}/members/{user}', request)
    },
    onSuccess: () => setChosen(''),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['groups'] }),
  })
  const members = detail.data?.members ?? []
  const others = users.data?.filter((user) => !user.disabled && !members.some((member) => member.id === user.id)) ?? []
  return (
    <Dialog
      title={`Members of ${name}`}
      onClose={onClose}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <ErrorNotice error={change.error ?? users.error} />
      <form
        className="row add-member"
        onSubmit={(event) => {
          event.preventDefault()
          if (chosen) change.mutate({ user: chosen, isMember: true })
        }}
      >
        <div className="grow">
          <SelectField label="Add a person" value={chosen} options={[['', others.length === 0 ? 'Everyone belongs to it' : 'Choose a person'], ...others.map((user) => [user.id, `${user.name} (${user.email})`] as const)]} onChange={({ target }) => setChosen(target.value)} />
        </div>
        <Button type="submit" disabled={chosen === ''} isBusy={change.isPending}>
          Add
        </Button>
      </form>
      <Loaded query={detail}>
        {({ members: all }) =>
          all.length === 0 ? (
            <p className="muted">Nobody belongs to it yet: a question to it alone would be decided by nobody.</p>
          ) : (
            <ul className="member-list" aria-label="Members">
              {all.map((member) => (
                <li key={member.id} className="row">
                  <div className="grow">
                    <strong>{member.name}</strong> {member.disabled ? <Badge tone="red">Disabled</Badge> : null}
                    <div className="muted truncate">{member.email}</div>
                  </div>
                  <Button size="small" title={`Remove ${member.name}`} onClick={() => change.mutate({ user: member.id, isMember: false })}>
                    Remove
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Dialog>
  )
}
