/** The first page: what one has, and what happened last. */
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { api, dataOf } from '../api/client'
import { RunBadge } from '../ui/Badge'
import { RelativeTime } from '../ui/format'
import { ErrorState, SkeletonRows } from '../ui/states'
import { t } from '../messages/messages'
import { PageHead } from './PageHead'
import { appsQuery, workflowsQuery } from './lists'
import { useSession } from './session'

const shownItems = 6

export function Home() {
  const session = useSession()
  const apps = useQuery({ ...appsQuery, select: (all) => all.filter((app) => !app.is_module) })
  const workflows = useQuery(workflowsQuery)
  const runs = useQuery({ queryKey: ['runs', 'latest'], queryFn: async () => (await dataOf(api.GET('/api/v1/runs', { params: { query: { limit: shownItems } } }))).runs })
  return (
    <>
      <PageHead title={t('Hello, {name}', { name: session.user.name.split(' ')[0] ?? '' })} />
      <div className="page-body padded">
        <div className="home-grid">
          <section className="card home-card">
            <header>
              <h2>{t('Apps')}</h2>
              <Link to="/apps">{t('All apps')}</Link>
            </header>
            <NotYet query={apps} />
            {apps.data?.length === 0 ? <p className="hollow">{t('No app yet. Build one over your data in a few minutes.')}</p> : null}
            <ul>
              {apps.data?.slice(0, shownItems).map((app) => (
                <li key={app.id}>
                  <a className="grow truncate" href={app.released_version || app.role === 'viewer' ? `/apps/${app.slug}` : `/apps/${app.slug}/edit`}>
                    {app.title}
                  </a>
                  <span className="muted">
                    <RelativeTime at={app.updated_at} />
                  </span>
                </li>
              ))}
            </ul>
          </section>
          <section className="card home-card">
            <header>
              <h2>{t('Workflows')}</h2>
              <Link to="/workflows">{t('All workflows')}</Link>
            </header>
            <NotYet query={workflows} />
            {workflows.data?.length === 0 ? <p className="hollow">{t('No workflow yet. Let a webhook run SQL and code that survives a crash.')}</p> : null}
            <ul>
              {workflows.data?.slice(0, shownItems).map((workflow) => (
                <li key={workflow.id}>
                  <Link className="grow truncate" to="/workflows/$slug" params={{ slug: workflow.slug }}>
                    {workflow.title}
                  </Link>
                  <span className="muted">
                    <RelativeTime at={workflow.updated_at} />
                  </span>
                </li>
              ))}
            </ul>
          </section>
          <section className="card home-card">
            <header>
              <h2>{t('Latest runs')}</h2>
              <Link to="/runs">{t('All runs')}</Link>
            </header>
            <NotYet query={runs} />
            {runs.data?.length === 0 ? <p className="hollow">{t('Nothing ran yet.')}</p> : null}
            <ul>
              {runs.data?.map((run) => (
                <li key={run.id}>
                  <Link className="grow truncate" to="/workflows/$slug/runs/$run" params={{ slug: run.workflow, run: run.id }}>
                    {run.workflow_title}
                  </Link>
                  <RunBadge run={run} />
                  <span className="muted">
                    <RelativeTime at={run.created_at} />
                  </span>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    </>
  )
}

/** What a card shows while its list is on its way, or instead of it. */
function NotYet({ query }: { query: Pick<UseQueryResult, 'isPending' | 'isError' | 'error' | 'refetch'> }) {
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />
  return query.isPending ? <SkeletonRows count={3} /> : null
}
