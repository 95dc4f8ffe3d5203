/** A document in the repository and here, file by file. */
import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../../api/client'
import type { DocumentChange } from '../../api/types'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { ErrorNotice, SkeletonRows } from '../../ui/states'
import { TextDiff } from '../../ui/TextDiff'
import { standingOf } from './standing'

export function CompareDialog({ change, onClose }: { change: DocumentChange; onClose: () => void }) {
  const sides = useQuery({ queryKey: ['source-control', 'compare', change.key], staleTime: 0, queryFn: () => dataOf(api.POST('/api/v1/source-control/compare', { body: { key: change.key } })) })
  const here = sides.data?.here ?? {}
  const there = sides.data?.there ?? {}
  const paths = [...new Set([...Object.keys(there), ...Object.keys(here)])].sort().filter((path) => here[path] !== there[path])
  return (
    <Dialog title={`${change.key}: ${standingOf(change).text.toLowerCase()}`} isWide onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      <p className="muted">− is in the repository, + is here.</p>
      <ErrorNotice error={sides.error} />
      {sides.isPending ? <SkeletonRows count={6} /> : null}
      <div className="source-files">
        {paths.map((path) => (
          <section key={path} aria-label={path}>
            <h3 className="mono">{path}</h3>
            <TextDiff label={`${path} in the repository and here`} before={there[path] ?? ''} after={here[path] ?? ''} />
          </section>
        ))}
      </div>
      {sides.data && paths.length === 0 ? <p>Both sides say the same by now.</p> : null}
    </Dialog>
  )
}
