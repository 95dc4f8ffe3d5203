/** Where the clock stands for a schedule of the release in use. */
import { Link } from '@tanstack/react-router'
import { Pause, Play } from 'lucide-react'
import type { ScheduleState } from '../../api/types'
import { timeOfRun } from '../../studio/run-filters'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { RelativeTime, clockTime } from '../../ui/format'
import { ErrorNotice } from '../../ui/states'
import { useSchedulePause, useSchedules } from './queries'
import './operation.css'

/** Below the fields of a trigger of the draft. */
export function ScheduleInUse({ slug, trigger, version }: { slug: string; trigger: string; version: number | undefined }) {
  const schedules = useSchedules(slug)
  if (schedules.isPending) return null
  if (schedules.isError) return <ErrorNotice error={schedules.error} />
  const state = schedules.data.find((one) => one.trigger === trigger)
  if (!state) return <p className="muted">{version ? 'The release in use does not have this schedule: release the workflow for it to start runs.' : 'It starts runs once the workflow is released.'}</p>
  return (
    <div className="schedule-state">
      <div className="grow">
        <p>
          <span className="muted">As released: next </span>
          <NextPoint state={state} />
        </p>
        <p className="muted">
          Last run <LastRun slug={slug} state={state} />
          {state.skipped ? (
            <>
              {' · '}skipped <Skipped state={state} />
            </>
          ) : null}
        </p>
      </div>
      <SchedulePause slug={slug} state={state} />
    </div>
  )
}

export function NextPoint({ state: { next, paused_at: at, schedule } }: { state: ScheduleState }) {
  if (at) {
    return (
      <>
        <Badge tone="amber">Paused</Badge> <RelativeTime at={at} />
      </>
    )
  }
  if (!next) return <span className="muted">is being worked out…</span>
  return (
    <>
      <strong>{clockTime(next, schedule.timezone)}</strong>{' '}
      <span className="muted">
        (<RelativeTime at={next} />)
      </span>
    </>
  )
}

export function LastRun({ slug, state: { last_run: run } }: { slug: string; state: ScheduleState }) {
  if (!run) return 'none yet'
  return (
    <Link to="/workflows/$slug/runs/$run" params={{ slug, run }}>
      <RelativeTime at={timeOfRun(run)} />
    </Link>
  )
}

const reasons: Record<string, string> = { missed: 'nothing ran here', overlap: 'the run before had not ended' }

/** The last point in time that started nothing, and why. */
export function Skipped({ state: { skipped, skipped_because: why } }: { state: ScheduleState }) {
  if (!skipped) return 'none'
  return (
    <>
      <RelativeTime at={skipped} />
      {why ? `: ${reasons[why] ?? why}` : ''}
    </>
  )
}

export function SchedulePause({ slug, state }: { slug: string; state: ScheduleState }) {
  const change = useSchedulePause(slug, state.trigger)
  const isPaused = Boolean(state.paused_at)
  const verb = isPaused ? 'Resume' : 'Pause'
  return (
    <Button size="small" icon={isPaused ? Play : Pause} title={`${verb} ${state.trigger}`} isBusy={change.isPending} onClick={() => change.mutate(!isPaused)}>
      {verb}
    </Button>
  )
}
