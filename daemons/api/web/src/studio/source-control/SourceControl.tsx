/** Source control: the repository, what differs from it, commits, pulls, and the apps that change by pulls alone. For administrators. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleAlert, Download, GitBranch, GitCommitHorizontal, LoaderCircle, RefreshCw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { api } from '../../api/client'
import { messageOf } from '../../api/problem'
import type { DocumentChange, SourceControlJob, SourceControlStatus } from '../../api/types'
import { Button } from '../../ui/Button'
import { RelativeTime } from '../../ui/format'
import { EmptyState, Loaded } from '../../ui/states'
import { notify } from '../../ui/toasts'
import { PageHead } from '../PageHead'
import { sourceControlQuery } from '../lists'
import { Changes } from './Changes'
import { CommitDialog } from './CommitDialog'
import { CompareDialog } from './CompareDialog'
import { ConnectDialog } from './ConnectDialog'
import { Connection } from './Connection'
import { ProtectedApps } from './ProtectedApps'
import './source-control.css'
import { canCommit, isOpen, isPulled, kindOf, outcomeOf } from './standing'

const followMs = 1000
const json = { headers: { 'content-type': 'application/json' } }

export function SourceControl() {
  const queryClient = useQueryClient()
  const state = useQuery({ ...sourceControlQuery, refetchInterval: ({ state: { data } }) => (data?.jobs.some(isOpen) ? followMs : false) })
  const [dialog, setDialog] = useState<'connect' | 'commit'>()
  const [compared, setCompared] = useState<DocumentChange>()
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [choices, setChoices] = useState<Record<string, 'mine' | 'theirs'>>({})
  const again = () => queryClient.invalidateQueries({ queryKey: ['source-control'] })
  const repository = state.data?.repository
  const changes = state.data?.changes ?? []
  const open = state.data?.jobs.find(isOpen)
  const conflicts = changes.filter(({ standing }) => standing === 'conflict')
  const undecided = conflicts.filter(({ key }) => !choices[key])
  const pulled = changes.filter(isPulled).length + conflicts.length
  const chosen = changes.filter((change) => selected.has(change.key) && canCommit(change))
  // Choices are for what the repository had when they were made.
  useEffect(() => setChoices({}), [repository?.head])
  const ask = useMutation({
    mutationFn: async (kind: 'fetch' | 'pull') => {
      if (kind === 'fetch') return api.POST('/api/v1/source-control/fetch', json)
      const made = Object.fromEntries(conflicts.flatMap(({ key }) => (choices[key] ? [[key, choices[key]]] : [])))
      return api.POST('/api/v1/source-control/pull', { body: { choices: made, ...(repository?.head ? { head: repository.head } : {}) } })
    },
    onError: (error) => notify(messageOf(error), 'error'),
    onSettled: again,
  })
  const isBusy = open !== undefined || ask.isPending
  return (
    <>
      <PageHead title="Source control">
        {repository ? (
          <>
            <Button icon={RefreshCw} disabled={isBusy} onClick={() => ask.mutate('fetch')}>
              Fetch
            </Button>
            <Button icon={Download} disabled={isBusy || undecided.length > 0} title={undecided.length > 0 ? 'Choose for each conflict first' : undefined} onClick={() => ask.mutate('pull')}>
              {pulled > 0 ? `Pull ${pulled}` : 'Pull'}
            </Button>
            <Button variant="primary" icon={GitCommitHorizontal} disabled={isBusy || chosen.length === 0} title={chosen.length === 0 ? 'Choose documents first' : undefined} onClick={() => setDialog('commit')}>
              {chosen.length > 0 ? `Commit ${chosen.length}` : 'Commit'}
            </Button>
          </>
        ) : null}
      </PageHead>
      <div className={repository ? 'page-body padded source-control' : 'page-body'}>
        <Loaded query={state}>
          {({ repository: connected, changes: all, unchanged, jobs }: SourceControlStatus) =>
            connected ? (
              <>
                <Connection repository={connected} onEdit={() => setDialog('connect')} />
                <LastJob job={jobs[0]} />
                <Changes
                  changes={all}
                  unchanged={unchanged}
                  isFetched={Boolean(connected.fetched_at)}
                  selected={selected}
                  choices={choices}
                  onSelect={setSelected}
                  onChoose={(key, choice) => setChoices((before) => ({ ...before, [key]: choice }))}
                  onCompare={setCompared}
                />
                <ProtectedApps />
                <Jobs jobs={jobs} />
              </>
            ) : (
              <EmptyState
                icon={GitBranch}
                title="Keep apps and workflows in git"
                action={
                  <Button variant="primary" onClick={() => setDialog('connect')}>
                    Connect a repository
                  </Button>
                }
              >
                Apps, workflows, queries and resources become files that people can read, review and merge. Any server that speaks git over SSH or HTTPS will do. Secrets never leave.
              </EmptyState>
            )
          }
        </Loaded>
      </div>
      {dialog === 'connect' ? <ConnectDialog {...(repository ? { stored: repository } : {})} onClose={() => setDialog(undefined)} /> : null}
      {dialog === 'commit' && repository ? (
        <CommitDialog
          documents={chosen}
          branch={repository.config.branch}
          onDone={() => {
            setSelected(new Set())
            setDialog(undefined)
          }}
          onClose={() => setDialog(undefined)}
        />
      ) : null}
      {compared ? <CompareDialog change={compared} onClose={() => setCompared(undefined)} /> : null}
    </>
  )
}

/** What is going on, or why the newest job failed. */
function LastJob({ job }: { job: SourceControlJob | undefined }) {
  if (!job || job.status === 'done') return null
  const hasFailed = job.status === 'failed'
  return (
    <div className={`notice ${hasFailed ? 'red' : 'blue'}`} role={hasFailed ? 'alert' : 'status'}>
      {hasFailed ? <CircleAlert className="icon" aria-hidden /> : <LoaderCircle className="icon" aria-hidden />}
      <div>
        <strong>{hasFailed ? `${kindOf(job)} failed` : kindOf(job)}</strong>: {outcomeOf(job)}
      </div>
    </div>
  )
}

function Jobs({ jobs }: { jobs: SourceControlJob[] }) {
  if (jobs.length === 0) return null
  return (
    <section aria-labelledby="source-control-jobs">
      <h2 id="source-control-jobs">History</h2>
      <table className="list">
        <thead>
          <tr>
            <th>What</th>
            <th>Outcome</th>
            <th className="wide-only">By</th>
            <th>When</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              <td>{kindOf(job)}</td>
              <td className={job.status === 'failed' ? 'error' : undefined}>{outcomeOf(job)}</td>
              <td className="wide-only">{job.requested_by ?? <span className="muted">System</span>}</td>
              <td className="muted nowrap">
                <RelativeTime at={job.requested_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
