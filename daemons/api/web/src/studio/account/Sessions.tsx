/** Where one is logged in, and the end of that. */
import { useQuery } from '@tanstack/react-query'
import { LogOut } from 'lucide-react'
import { api, dataOf } from '../../api/client'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { RelativeTime } from '../../ui/format'
import { Loaded } from '../../ui/states'
import { useRemoval } from '../use-removal'
import { deviceOf } from './device'
import { t } from '../../messages/messages'

const headers = { 'content-type': 'application/json' }

export function Sessions() {
  const sessions = useQuery({ queryKey: ['account-sessions'], queryFn: () => dataOf(api.GET('/api/v1/account/sessions')), staleTime: 0 })
  const confirmed = useRemoval('account-sessions')
  const endOthers = () => confirmed({ title: t('End all other sessions?'), text: t('Every browser but this one has to log in again.'), confirm: t('End sessions') }, () => api.DELETE('/api/v1/account/sessions', { headers }))
  return (
    <section className="stack" aria-label={t('Sessions')}>
      <h2>{t('Sessions')}</h2>
      <Loaded query={sessions}>
        {({ sessions: all }) => (
          <>
            <table className="list">
              <thead>
                <tr>
                  <th>{t('Browser')}</th>
                  <th className="wide-only">{t('From')}</th>
                  <th className="wide-only">{t('Began')}</th>
                  <th>{t('Used')}</th>
                  <th>
                    <span className="visually-hidden">{t('Actions')}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.map(({ id, user_agent, address, created_at, last_seen_at, is_current }) => (
                  <tr key={id}>
                    <td>
                      <span className="row wrap">
                        <strong title={user_agent ?? undefined}>{deviceOf(user_agent)}</strong>
                        {is_current ? <Badge tone="green">{t('This one')}</Badge> : null}
                      </span>
                      <div className="muted mono narrow-only">{address}</div>
                    </td>
                    <td className="wide-only muted mono">{address}</td>
                    <td className="wide-only muted">
                      <RelativeTime at={created_at} />
                    </td>
                    <td className="muted">
                      <RelativeTime at={last_seen_at} />
                    </td>
                    <td className="actions">
                      {is_current ? null : (
                        <Button
                          variant="ghost"
                          size="small"
                          icon={LogOut}
                          label={t('End the session of {device}', { device: deviceOf(user_agent) })}
                          onClick={() =>
                            void confirmed({ title: t('End this session?'), text: t('{device} has to log in again.', { device: deviceOf(user_agent) }), confirm: t('End session') }, () => api.DELETE('/api/v1/account/sessions/{id}', { params: { path: { id } }, headers }))
                          }
                        />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {all.length > 1 ? <Button onClick={() => void endOthers()}>{t('End all other sessions')}</Button> : null}
          </>
        )}
      </Loaded>
    </section>
  )
}
