/** The repository that is connected. */
import { GitBranch } from 'lucide-react'
import { api } from '../../api/client'
import type { SourceControlStatus } from '../../api/types'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { RelativeTime } from '../../ui/format'
import { useRemoval } from '../use-removal'

export function Connection({ repository, onEdit }: { repository: NonNullable<SourceControlStatus['repository']>; onEdit: () => void }) {
  const confirmed = useRemoval('source-control')
  const disconnect = () =>
    confirmed({ title: 'Disconnect the repository?', text: 'Its key or token is gone for good. Documents and the repository stay as they are; protected apps stay protected.', confirm: 'Disconnect' }, () => api.DELETE('/api/v1/source-control', { headers: { 'content-type': 'application/json' } }))
  const { config, head, fetched_at, fingerprint } = repository
  return (
    <section className="source-connection" aria-label="Repository">
      <div className="grow">
        <p className="row wrap">
          <strong className="mono source-url">{config.url}</strong>
          <Badge>
            <GitBranch className="icon small" aria-hidden /> {config.branch}
          </Badge>
        </p>
        <p className="muted">
          {fetched_at ? (
            <>
              {head ? (
                <>
                  Fetched at <code>{head.slice(0, 10)}</code>,{' '}
                </>
              ) : (
                'Empty, looked at '
              )}
              <RelativeTime at={fetched_at} />
            </>
          ) : (
            'Not fetched yet: Fetch looks what it has.'
          )}
          {fingerprint ? (
            <>
              {' '}
              · <span className="source-url mono">{fingerprint}</span>
            </>
          ) : null}
        </p>
      </div>
      <span className="row">
        <Button size="small" onClick={onEdit}>
          Edit
        </Button>
        <Button size="small" variant="ghost" onClick={() => void disconnect()}>
          Disconnect
        </Button>
      </span>
    </section>
  )
}
