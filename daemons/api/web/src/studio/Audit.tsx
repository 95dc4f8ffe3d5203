/** Who did what. For administrators, read only. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import { api, dataOf } from '../api/client'
import type { AuditEntry } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { PageHead } from './PageHead'

export function Audit() {
  const audit = useInfiniteQuery({
    queryKey: ['audit'],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) => dataOf(api.GET('/api/v1/audit', { params: { query: { limit: 100, ...(pageParam ? { before: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.next ?? undefined,
    staleTime: 0,
  })
  const sealed = audit.data?.pages[0]?.sealed
  return (
    <>
      <PageHead title="Audit">
        <Button isBusy={audit.isRefetching} onClick={() => void audit.refetch()}>
          Refresh
        </Button>
      </PageHead>
      <div className="page-body">
        {sealed ? (
          <p className="muted">
            Sealed up to record {sealed.record}, of <RelativeTime at={sealed.at} />: <code title={sealed.seal.hash}>{sealed.seal.hash.slice(0, 16)}…</code>
          </p>
        ) : null}
        <Loaded query={audit}>
          {({ pages }) =>
            pages[0]?.records.length === 0 ? (
              <EmptyState icon={ScrollText} title="Nothing recorded yet">
                Logins, changes, releases and every query that somebody runs are recorded here.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>When</th>
                    <th>Who</th>
                    <th>What</th>
                    <th className="wide-only">Details</th>
                    <th className="wide-only">From</th>
                  </tr>
                </thead>
                <tbody>
                  {pages.flatMap((page) =>
                    page.records.map((record) => (
                      <tr key={record.id}>
                        <td className="muted">
                          <RelativeTime at={record.at} />
                        </td>
                        <td>{record.actor}</td>
                        <td>
                          <span className="row">
                            <code>{record.action}</code>
                            {isFailed(record) ? <Badge tone="red">Failed</Badge> : null}
                          </span>
                        </td>
                        <td className="wide-only muted">{detailText(record)}</td>
                        <td className="wide-only muted mono">{record.address ?? ''}</td>
                      </tr>
                    )),
                  )}
                </tbody>
              </table>
            )
          }
        </Loaded>
        {audit.hasNextPage ? (
          <div className="list-foot">
            <Button isBusy={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
              Load older records
            </Button>
          </div>
        ) : null}
      </div>
    </>
  )
}

function isFailed({ detail }: AuditEntry): boolean {
  return typeof detail === 'object' && detail !== null && 'failed' in detail
}

function detailText({ detail, object_kind }: AuditEntry): string {
  const pairs = typeof detail === 'object' && detail !== null ? Object.entries(detail).filter(([, value]) => value !== null && value !== false) : []
  const texts = pairs.map(([key, value]) => `${key.replaceAll('_', ' ')}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
  return [object_kind ?? '', ...texts].filter(Boolean).join(' · ')
}
