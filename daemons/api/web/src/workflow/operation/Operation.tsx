/** How a workflow runs, apart from what it does: its schedules, its place in the queue, how long its runs are kept. It counts at once, without a release. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Pause, Play } from 'lucide-react'
import type { Role } from '../../api/types'
import { Button } from '../../ui/Button'
import { ask } from '../../ui/ask'
import { RelativeTime } from '../../ui/format'
import { Loaded } from '../../ui/states'
import { cronText } from '../triggers/cron'
import { QueueForm } from './QueueForm'
import { LastRun, NextPoint, SchedulePause, Skipped } from './ScheduleInUse'
import { useSchedules, useWorkflowPause, workflowQueueQuery } from './queries'
import './operation.css'

export function Operation({ slug, role }: { slug: string; role: Role }) {
  const queue = useQuery(workflowQueueQuery(slug))
  return (
    <div className="operation">
      <Starting slug={slug} />
      <Schedules slug={slug} />
      <section className="card operation-card">
        <header>
          <h2>Queue</h2>
          <span className="muted">Counts at once, for what is queued too</span>
        </header>
        <Loaded query={queue}>{({ settings }) => <QueueForm slug={slug} settings={settings} isAdmin={role === 'admin'} />}</Loaded>
      </section>
    </div>
  )
}

function Starting({ slug }: { slug: string }) {
  const queue = useQuery(workflowQueueQuery(slug))
  const change = useWorkflowPause(slug)
  // While it is paused the banner above says so, and resumes it.
  if (!queue.data || queue.data.paused_at) return null
  const pause = async () => {
    const text = 'None of its runs starts until it is resumed: webhooks and schedules are accepted, and their runs wait. Those under way go on.'
    if (await ask({ title: 'Pause this workflow?', text, confirm: 'Pause workflow' })) change.mutate(true)
  }
  return (
    <section className="card operation-card">
      <header>
        <h2>Starting runs</h2>
        <Button icon={Pause} isBusy={change.isPending} onClick={() => void pause()}>
          Pause workflow
        </Button>
      </header>
      <p className="operation-text muted">Its runs start as workers are free. Pause it before you change what it works on, say.</p>
    </section>
  )
}

/** On every view of the workflow, for as long as none of its runs starts. */
export function PauseBanner({ slug }: { slug: string }) {
  const queue = useQuery({ ...workflowQueueQuery(slug), refetchInterval: 30_000 })
  const change = useWorkflowPause(slug)
  if (!queue.data?.paused_at) return null
  return (
    <div className="notice amber banner" role="status">
      <Pause className="icon" strokeWidth={1.5} aria-hidden />
      <p className="grow">
        <strong>This workflow is paused</strong>, since <RelativeTime at={queue.data.paused_at} />. None of its runs starts; those under way go on.
      </p>
      <Button size="small" icon={Play} isBusy={change.isPending} onClick={() => change.mutate(false)}>
        Resume workflow
      </Button>
    </div>
  )
}

function Schedules({ slug }: { slug: string }) {
  const schedules = useSchedules(slug)
  return (
    <section className="card operation-card">
      <header>
        <h2>Schedules</h2>
        <span className="muted">Of the release in use</span>
      </header>
      <Loaded query={schedules}>
        {(all) =>
          all.length === 0 ? (
            <p className="operation-text muted">
              No schedule starts this workflow. Add one under{' '}
              <Link to="/workflows/$slug" params={{ slug }} search={{}}>
                Blocks
              </Link>
              , in the workflow's settings, and release it.
            </p>
          ) : (
            <table className="list schedules">
              <thead>
                <tr>
                  <th>Schedule</th>
                  <th>Next</th>
                  <th className="wide-only">Last run</th>
                  <th className="wide-only">Last skipped</th>
                  <th>
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.map((state) => (
                  <tr key={state.trigger}>
                    <td>
                      <strong className="mono">{state.trigger}</strong>
                      <div className="muted">
                        {cronText(state.schedule.cron)}, {state.schedule.timezone ?? 'UTC'}
                      </div>
                    </td>
                    <td>
                      <NextPoint state={state} />
                      <div className="muted narrow-only">
                        Last run <LastRun slug={slug} state={state} />; skipped <Skipped state={state} />
                      </div>
                    </td>
                    <td className="wide-only">
                      <LastRun slug={slug} state={state} />
                    </td>
                    <td className="wide-only muted">
                      <Skipped state={state} />
                    </td>
                    <td className="actions">
                      <SchedulePause slug={slug} state={state} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </section>
  )
}
