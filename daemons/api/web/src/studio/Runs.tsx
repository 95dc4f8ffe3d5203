/** The runs of all workflows, and how the queue stands. */
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { PageHead } from './PageHead'
import { QueuePause, QueueSummary } from './Queue'
import { RunTable } from './RunTable'

const route = getRouteApi('/frame/runs')

export function Runs() {
  const filters = route.useSearch()
  const navigate = useNavigate()
  return (
    <>
      <PageHead title="Runs">
        <QueuePause />
      </PageHead>
      <div className="page-body">
        <QueueSummary />
        <RunTable filters={filters} onFilters={(next) => void navigate({ to: '/runs', search: next, replace: true })} />
      </div>
    </>
  )
}
