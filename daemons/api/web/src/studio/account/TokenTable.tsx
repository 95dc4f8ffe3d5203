/** Tokens, one's own or everybody's. */
import { Trash2 } from 'lucide-react'
import type { ApiToken } from '../../api/types'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { RelativeTime } from '../../ui/format'
import { language, t } from '../../messages/messages'

export function TokenTable({ tokens, showsOwner = false, onRevoke }: { tokens: readonly ApiToken[]; showsOwner?: boolean; onRevoke: (token: ApiToken) => void }) {
  return (
    <table className="list">
      <thead>
        <tr>
          <th>{t('Token')}</th>
          <th className="wide-only">{t('May')}</th>
          <th>{t('Ends')}</th>
          <th className="wide-only">{t('Used')}</th>
          <th>
            <span className="visually-hidden">{t('Actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.id}>
            <td>
              <strong>{token.name}</strong>
              {showsOwner ? <div className="muted">{token.email}</div> : null}
            </td>
            <td className="wide-only">{token.scope === 'read' ? t('Read') : t('Everything')}</td>
            <td className="muted">{Date.parse(token.expires_at) < Date.now() ? <Badge tone="red">{t('Expired')}</Badge> : new Date(token.expires_at).toLocaleDateString(language)}</td>
            <td className="wide-only muted">{token.last_used_at ? <RelativeTime at={token.last_used_at} /> : t('Never')}</td>
            <td className="actions">
              <Button variant="ghost" size="small" icon={Trash2} label={t('Revoke {name}', { name: token.name })} onClick={() => onRevoke(token)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
