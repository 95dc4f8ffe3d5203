/** One's own account: with which accounts elsewhere one logs in. */
import { useQuery } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { Loaded } from '../ui/states'
import { PageHead } from './PageHead'
import { SignInButtons } from './SignInButtons'
import { useSession } from './session'
import { useRemoval } from './use-removal'

export function Account() {
  const { user } = useSession()
  const accounts = useQuery({ queryKey: ['sign-ins'], queryFn: () => dataOf(api.GET('/api/v1/account/sign-ins')) })
  const confirmed = useRemoval('sign-ins')
  return (
    <>
      <PageHead title="Your account" />
      <div className="page-body stack">
        <p>
          {user.name}, {user.email}
        </p>
        <h2>Accounts that you log in with</h2>
        <Loaded query={accounts}>
          {({ accounts: all }) =>
            all.length === 0 ? (
              <p className="muted">None: you log in with your password.</p>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Account</th>
                    <th className="wide-only">Used</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map(({ issuer, subject, email, used_at }) => (
                    <tr key={`${issuer} ${subject}`}>
                      <td>
                        <strong>{email}</strong>
                        <div className="muted">{issuer}</div>
                      </td>
                      <td className="wide-only muted">{used_at ? <RelativeTime at={used_at} /> : 'Never'}</td>
                      <td className="actions">
                        <Button
                          variant="ghost"
                          size="small"
                          icon={Trash2}
                          label={`Remove ${email}`}
                          onClick={() =>
                            void confirmed({ title: `Remove ${email}?`, text: 'It no longer logs you in.', confirm: 'Remove account' }, () => api.POST('/api/v1/account/sign-ins/remove', { body: { issuer, subject } }))
                          }
                        />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
        <SignInButtons adds next="/account" />
      </div>
    </>
  )
}
