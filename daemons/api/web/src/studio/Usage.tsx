/** Which apps and workflows use a resource. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api, dataOf } from '../api/client'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { count } from '../ui/format'
import { Loaded } from '../ui/states'

export function Usage({ name, onClose }: { name: string; onClose: () => void }) {
  const usage = useQuery({ queryKey: ['usage', name], queryFn: () => dataOf(api.GET('/api/v1/resources/{name}/usage', { params: { path: { name } } })) })
  return (
    <Dialog
      title={`What uses ${name}`}
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
                  <Link className="grow truncate" to={use.kind === 'app' ? '/apps/$slug/edit' : '/workflows/$slug'} params={{ slug: use.slug }}>
                    {use.title}
                  </Link>
                  <span className="muted">{use.kind === 'app' ? 'App' : 'Workflow'}</span>
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
