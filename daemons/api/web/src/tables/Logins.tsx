/** A login of one's own to the tables database, for psql and other tools. Its password is shown once. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { Resource } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { CopyField } from '../ui/CopyField'
import { Dialog } from '../ui/Dialog'
import { CheckField } from '../ui/Field'
import { count } from '../ui/format'
import { ErrorNotice, Loaded } from '../ui/states'
import { useRemoval } from '../studio/use-removal'
import './tables.css'

export function Logins({ resource, onClose }: { resource: Resource; onClose: () => void }) {
  const queryClient = useQueryClient()
  const path = { params: { path: { name: resource.name } } }
  const logins = useQuery({ queryKey: ['table-logins', resource.name], retry: false, queryFn: () => dataOf(api.GET('/api/v1/resources/{name}/tables/logins', path)) })
  const [mayWrite, setMayWrite] = useState(false)
  const make = useMutation({
    mutationFn: () => dataOf(api.POST('/api/v1/resources/{name}/tables/logins', { ...path, body: { may_write: mayWrite } })),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['table-logins'] }),
  })
  const confirmed = useRemoval('table-logins')
  const remove = (login: string) =>
    confirmed({ title: `Take ${login} away?`, text: 'Its sessions end at once. Its owner can make another while they have a role on the tables.', confirm: 'Take away' }, () =>
      api.DELETE('/api/v1/resources/{name}/tables/logins/{login}', { params: { path: { name: resource.name, login } }, headers: { 'content-type': 'application/json' } }),
    )
  const own = logins.data?.logins.find(({ is_own }) => is_own)
  const made = make.data
  return (
    <Dialog title="Connect with psql" isWide onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      <ErrorNotice error={make.error} />
      {made ? (
        <>
          <p className="notice green" role="status">
            This password is shown once. It is stored nowhere: whoever loses it makes another.
          </p>
          <CopyField label="Password" value={made.password} />
          <CopyField label="Command" value={`psql "host=${made.host ?? location.hostname} port=${made.port} dbname=${made.database} user=${made.login} sslmode=require"`} />
          <p className="muted">
            PostgreSQL lets nobody in from other machines until an administrator says so in <code>pg_hba.conf</code>. The line is in docs/tables.md.
          </p>
        </>
      ) : (
        <Loaded query={logins}>
          {({ unavailable }) =>
            unavailable ? (
              <p className="notice amber">Logins cannot be made here: {unavailable}.</p>
            ) : (
              <div className="stack">
                <p>
                  A login of your own to the tables database, for psql, spreadsheets and other tools. It lasts while you have a role on the resource <code>{resource.name}</code>. What it does is not in the audit trail; PostgreSQL can log it.
                </p>
                {resource.role === 'viewer' ? null : <CheckField label="It may change rows" checked={mayWrite} onChange={({ target }) => setMayWrite(target.checked)} />}
                <div>
                  <Button variant="primary" isBusy={make.isPending} onClick={() => make.mutate()}>
                    {own ? 'Make a new password' : 'Make my login'}
                  </Button>
                </div>
              </div>
            )
          }
        </Loaded>
      )}
      {logins.data && logins.data.logins.length > 0 ? (
        <table className="list">
          <thead>
            <tr>
              <th>Login</th>
              <th className="wide-only">Of</th>
              <th>May</th>
              <th className="wide-only">Now</th>
              <th>
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {logins.data.logins.map(({ login, email, is_own, may_write, sessions }) => (
              <tr key={login}>
                <td className="mono">{login}</td>
                <td className="wide-only">{is_own ? <Badge tone="accent">You</Badge> : (email ?? 'Nobody')}</td>
                <td>{may_write ? 'Read and change' : 'Read'}</td>
                <td className="wide-only muted">{count(sessions, 'session')}</td>
                <td className="actions">
                  <Button variant="ghost" size="small" icon={Trash2} label={`Take ${login} away`} onClick={() => void remove(login)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </Dialog>
  )
}
