/** Which apps, workflows and queries use a resource, or a query of the library. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api, dataOf } from '../api/client'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { count } from '../ui/format'
import { Loaded } from '../ui/states'

const addresses = { app: '/apps/$slug/edit', workflow: '/workflows/$slug', query: '/queries/$slug' } as const
const nouns = { app: 'App', workflow: 'Workflow', query: 'Query' } as const
const kindOf = (kind: string) => (kind === 'app' || kind === 'query' ? kind : 'workflow')

interface Props {
  kind?: 'resources' | 'queries'
  name: string
  title?: string
  onClose: () => void
}

export function Usage({ kind = 'resources', name, title = name, onClose }: Props) {
  const usage = useQuery({
    queryKey: ['usage', kind, name],
    queryFn: () => dataOf(kind === 'queries' ? api.GET('/api/v1/queries/{slug}/usage', { params: { path: { slug: name } } }) : api.GET('/api/v1/resources/{name}/usage', { params: { path: { name } } })),
  })
  return (
    <Dialog
      title={`What uses ${title}`}
      onClose={onClose}
      footer={
        <>
          <span className="grow" />
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <Loaded query={usage}>
        {({ uses, hidden }) => (
          <>
            {uses.length === 0 && hidden === 0 ? <p className="muted">No app and no workflow names it.</p> : null}
            <ul className="uses">
              {uses.map((use) => (
                <li key={`${use.kind}/${use.slug}`} className="row">
                  <Link className="grow truncate" to={addresses[kindOf(use.kind)]} params={{ slug: use.slug }}>
                    {use.title}
                  </Link>
                  <span className="muted">{nouns[kindOf(use.kind)]}</span>
                  {use.is_released ? <Badge tone="green">Released</Badge> : <Badge>Draft</Badge>}
                </li>
              ))}
            </ul>
            {hidden > 0 ? <p className="muted">And {count(hidden, 'other')} that you may not see.</p> : null}
          </>
        )}
      </Loaded>
    </Dialog>
  )
}
