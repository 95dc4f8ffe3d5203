/** The releases of an app or workflow; an earlier one can be put in use again. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { RelativeTime } from '../ui/format'
import { ErrorNotice, SkeletonRows } from '../ui/states'

interface Props {
  kind: 'apps' | 'workflows'
  slug: string
  onRestored: (version: number) => void
  onClose: () => void
}

const headers = { 'content-type': 'application/json' }

export function Releases({ kind, slug, onRestored, onClose }: Props) {
  const queryClient = useQueryClient()
  const key = ['releases', kind, slug]
  const path = { slug }
  const releases = useQuery({
    queryKey: key,
    staleTime: 0,
    queryFn: () => dataOf(kind === 'apps' ? api.GET('/api/v1/apps/{slug}/releases', { params: { path } }) : api.GET('/api/v1/workflows/{slug}/releases', { params: { path } })),
  })
  const restore = useMutation({
    meta: { showsError: true },
    mutationFn: (version: number) => {
      const params = { path: { slug, version } }
      return dataOf(kind === 'apps' ? api.POST('/api/v1/apps/{slug}/releases/{version}/restore', { params, headers }) : api.POST('/api/v1/workflows/{slug}/releases/{version}/restore', { params, headers }))
    },
    onSuccess: async ({ version }) => {
      onRestored(version)
      await queryClient.invalidateQueries({ queryKey: key })
    },
  })
  return (
    <Dialog title="Releases" isWide onClose={onClose}>
      <ErrorNotice error={releases.error ?? restore.error} />
      {releases.isPending ? <SkeletonRows count={3} /> : null}
      {releases.data?.releases.length === 0 ? <p className="muted">Nothing is released yet. Release puts the draft in use as version 1.</p> : null}
      {releases.data?.releases.length ? (
        <table className="list">
          <thead>
            <tr>
              <th>Version</th>
              <th>Released</th>
              <th>By</th>
              <th>
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {releases.data.releases.map((release) => (
              <tr key={release.version}>
                <td>{release.version}</td>
                <td>
                  <RelativeTime at={release.released_at} />
                </td>
                <td>{release.released_by ?? 'bulkheadctl'}</td>
                <td className="actions">
                  {release.version === releases.data.released_version ? (
                    <Badge tone="green">In use</Badge>
                  ) : (
                    <Button size="small" isBusy={restore.isPending && restore.variables === release.version} onClick={() => restore.mutate(release.version)}>
                      Put in use
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </Dialog>
  )
}
