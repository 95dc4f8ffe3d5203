/** Tokens, one's own or everybody's. */
import { Trash2 } from 'lucide-react'
import type { ApiToken } from '../../api/types'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { RelativeTime } from '../../ui/format'

export function TokenTable({ tokens, showsOwner = false, onRevoke }: { tokens: readonly ApiToken[]; showsOwner?: boolean; onRevoke: (token: ApiToken) => void }) {
  return (
    <table className="list">
      <thead>
        <tr>
          <th>Token</th>
          <th className="wide-only">May</th>
          <th>Ends</th>
          <th className="wide-only">Used</th>
          <th>
            <span className="visually-hidden">Actions</span>
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
            <td className="wide-only">{token.scope === 'read' ? 'Read' : 'Everything'}</td>
            <td className="muted">{Date.parse(token.expires_at) < Date.now() ? <Badge tone="red">Expired</Badge> : new Date(token.expires_at).toLocaleDateString()}</td>
            <td className="wide-only muted">{token.last_used_at ? <RelativeTime at={token.last_used_at} /> : 'Never'}</td>
            <td className="actions">
              <Button variant="ghost" size="small" icon={Trash2} label={`Revoke ${token.name}`} onClick={() => onRevoke(token)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
