/** The releases of an app with their notes; two versions side by side; an earlier one in use again, or as the draft. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import type { AppDocument, Release } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { replaceDocument } from '../../document/replace'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { ask } from '../../ui/ask'
import { RelativeTime } from '../../ui/format'
import { ErrorNotice, SkeletonRows } from '../../ui/states'
import { Comparison } from './Comparison'
import './history.css'

interface Props {
  slug: string
  store: DraftStore<AppDocument>
  onRestored: (version: number) => void
  onClose: () => void
}

const headers = { 'content-type': 'application/json' }

export function AppHistory({ slug, store, onRestored, onClose }: Props) {
  const queryClient = useQueryClient()
  const key = ['releases', 'apps', slug]
  const releases = useQuery({ queryKey: key, staleTime: 0, queryFn: () => dataOf(api.GET('/api/v1/apps/{slug}/releases', { params: { path: { slug } } })) })
  const [compared, setCompared] = useState<number>()
  const restore = useMutation({
    meta: { showsError: true },
    mutationFn: (version: number) => dataOf(api.POST('/api/v1/apps/{slug}/releases/{version}/restore', { params: { path: { slug, version } }, headers })),
    onSuccess: async ({ version }) => {
      onRestored(version)
      await queryClient.invalidateQueries({ queryKey: key })
    },
  })
  const takeUp = useMutation({
    meta: { showsError: true },
    mutationFn: async (version: number) => (await dataOf(api.GET('/api/v1/apps/{slug}/releases/{version}', { params: { path: { slug, version } } }))).document,
    onSuccess: (document) => {
      replaceDocument(store, document)
      onClose()
    },
  })
  if (compared !== undefined) return <Comparison slug={slug} store={store} version={compared} versions={releases.data?.releases.map(({ version }) => version) ?? []} onBack={() => setCompared(undefined)} onClose={onClose} />
  const all = releases.data?.releases ?? []
  return (
    <Dialog title="Releases" isWide onClose={onClose}>
      <ErrorNotice error={releases.error ?? restore.error ?? takeUp.error} />
      {releases.isPending ? <SkeletonRows count={3} /> : null}
      {releases.data && all.length === 0 ? <p className="muted">Nothing is released yet. Release puts the draft in use as version 1.</p> : null}
      <ol className="history-list" reversed>
        {all.map((release) => (
          <li key={release.version}>
            <Entry release={release} isUsed={release.version === releases.data?.released_version} />
            <span className="row wrap">
              <Button size="small" onClick={() => setCompared(release.version)}>
                Compare
              </Button>
              <Button
                size="small"
                isBusy={takeUp.isPending && takeUp.variables === release.version}
                onClick={async () => {
                  if (await ask({ title: `Go on with version ${release.version}?`, text: 'The draft becomes what this version was. Undo brings back what it is now.', confirm: 'Use as draft' })) takeUp.mutate(release.version)
                }}
              >
                Use as draft
              </Button>
              {release.version === releases.data?.released_version ? null : (
                <Button size="small" isBusy={restore.isPending && restore.variables === release.version} onClick={() => restore.mutate(release.version)}>
                  Put in use
                </Button>
              )}
            </span>
          </li>
        ))}
      </ol>
    </Dialog>
  )
}

function Entry({ release, isUsed }: { release: Release; isUsed: boolean }) {
  return (
    <div className="history-entry">
      <p className="row wrap">
        <strong>Version {release.version}</strong>
        {isUsed ? <Badge tone="green">In use</Badge> : null}
        <span className="muted">
          <RelativeTime at={release.released_at} /> by {release.released_by ?? 'bulkheadctl'}
        </span>
      </p>
      {release.notes ? <p className="history-notes">{release.notes}</p> : null}
    </div>
  )
}
