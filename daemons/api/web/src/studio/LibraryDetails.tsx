/** What is in a set of libraries, and how its newest build went. Follows a build that is under way. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'
import type { LibrarySet, LibrarySetDetail } from '../api/types'
import { BuildBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { RelativeTime, bytes, count } from '../ui/format'
import { ErrorNotice, SkeletonRows } from '../ui/states'
import { isUnderWay, languageNames, pollMs } from './library-sets'

export function LibraryDetails({ name, onClose, onReplace }: { name: string; onClose: () => void; onReplace: (set: LibrarySet) => void }) {
  const queryClient = useQueryClient()
  const path = { name }
  const detail = useQuery({
    queryKey: ['library-sets', name],
    queryFn: () => dataOf(api.GET('/api/v1/library-sets/{name}', { params: { path } })),
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data.set) ? pollMs : false),
  })
  const build = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.POST('/api/v1/library-sets/{name}/build', { params: { path }, headers: { 'content-type': 'application/json' } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['library-sets'] }),
  })
  const data = detail.data
  return (
    <Dialog
      title={name}
      isWide
      onClose={onClose}
      footer={
        <>
          <Button isBusy={build.isPending} disabled={!data || isUnderWay(data.set)} onClick={() => build.mutate()}>
            Build again
          </Button>
          <span className="grow" />
          <Button disabled={!data} onClick={() => data && onReplace(data.set)}>
            Replace lock file
          </Button>
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <ErrorNotice error={build.error ?? detail.error} />
      {data ? <Content detail={data} /> : detail.isPending ? <SkeletonRows count={4} /> : null}
    </Dialog>
  )
}

function Content({ detail: { set, preload, log, error } }: { detail: LibrarySetDetail }) {
  return (
    <>
      <div className="row wrap">
        <BuildBadge status={set.status} />
        <span className="muted">
          {languageNames[set.language]}
          {set.bytes == null ? '' : ` · ${bytes(set.bytes)}`}
          {preload.length === 0 ? '' : ` · ${preload.join(', ')} imported ahead`}
          {set.finished_at && !isUnderWay(set) ? (
            <>
              {set.status === 'failed' ? ' · failed ' : ' · built '}
              <RelativeTime at={set.finished_at} />
            </>
          ) : null}
        </span>
      </div>
      {error ? <ErrorNotice error={new Error(error)} /> : null}
      {set.usable && set.status !== 'ready' ? <div className="notice amber">Workflows go on with what was built before.</div> : null}
      {set.packages.length > 0 ? (
        <div className="stack small">
          <h3>{count(set.packages.length, 'package')}</h3>
          <ul className="package-list" tabIndex={0} aria-label="Packages">
            {set.packages.map((found) => (
              <li key={`${found.name} ${found.version}`}>
                <span className="truncate">{found.name}</span>
                <span className="muted">{found.version}</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      <div className="stack small">
        <h3>Build log</h3>
        {log === '' ? (
          <p className="muted">{isUnderWay(set) ? 'It appears here when the build has ended.' : 'The build wrote nothing.'}</p>
        ) : (
          <pre className="build-log" tabIndex={0} aria-label="Build log">
            {log}
          </pre>
        )}
      </div>
    </>
  )
}
