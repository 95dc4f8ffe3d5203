/** Groups of people, which approvals name. For administrators. */
import { useQuery } from '@tanstack/react-query'
import { Plus, Trash2, UsersRound } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import type { Group } from '../api/types'
import { Button } from '../ui/Button'
import { RelativeTime, count } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { GroupDialog } from './GroupDialog'
import { GroupMembers } from './GroupMembers'
import { PageHead } from './PageHead'
import { groupsQuery } from './lists'
import { useRemoval } from './use-removal'

export function Groups() {
  const groups = useQuery(groupsQuery)
  const [edited, setEdited] = useState<Group | 'new'>()
  const [opened, setOpened] = useState<Group>()
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setEdited('new')}>
      Add group
    </Button>
  )
  const confirmed = useRemoval('groups')
  const remove = ({ name }: Group) =>
    confirmed({ title: `Delete ${name}?`, text: 'Open questions that name it are decided by whoever else they name. Workflows that name it cannot be released until they name another.', confirm: 'Delete group' }, () =>
      api.DELETE('/api/v1/groups/{name}', { params: { path: { name } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <>
      <PageHead title="Groups">{groups.data?.length === 0 ? null : add}</PageHead>
      <div className="page-body">
        <Loaded query={groups}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={UsersRound} title="Ask a group instead of a person" action={add}>
                An approval that names a group, such as finance, may be decided by everyone in it. Who joins or leaves later counts at once, without a new release.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Group</th>
                    <th className="wide-only">Members</th>
                    <th className="wide-only">Since</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((group) => (
                    <tr key={group.name}>
                      <td>
                        <strong className="mono">{group.name}</strong>
                        {group.description ? <div className="muted">{group.description}</div> : null}
                        <div className="muted narrow-only">{count(group.members, 'person', 'people')}</div>
                      </td>
                      <td className="wide-only">{count(group.members, 'person', 'people')}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={group.created_at} />
                      </td>
                      <td className="actions">
                        <span className="row">
                          <Button size="small" title={`Members of ${group.name}`} onClick={() => setOpened(group)}>
                            Members
                          </Button>
                          <Button size="small" title={`Describe ${group.name}`} onClick={() => setEdited(group)}>
                            Describe
                          </Button>
                          <Button variant="ghost" size="small" icon={Trash2} label={`Delete ${group.name}`} onClick={() => void remove(group)} />
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
      {edited ? <GroupDialog {...(edited === 'new' ? {} : { group: edited })} onClose={() => setEdited(undefined)} /> : null}
      {opened ? <GroupMembers name={opened.name} onClose={() => setOpened(undefined)} /> : null}
    </>
  )
}
