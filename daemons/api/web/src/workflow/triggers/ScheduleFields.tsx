/** A schedule: when it starts runs, what becomes of a point in time that comes at a bad moment, and what code is given. */
import { useId, useMemo, useState } from 'react'
import { faultAt } from '../../api/problem'
import type { Overlap } from '../../api/types'
import { SelectField, TextField } from '../../ui/Field'
import { EnvironmentField } from '../../studio/EnvironmentField'
import { JsonField, SecondsField } from '../editors/fields'
import { SchedulePreview } from './SchedulePreview'
import type { ChangeTrigger, ScheduleTrigger } from './change'
import { type Repeat, type RepeatKind, cronOf, minuteSteps, repeatKinds, repeatOf, timeText, weekdays } from './cron'
import { useSchedulePreview } from './use-schedule-preview'

const overlaps: Record<Overlap, { text: string; hint: string }> = {
  skip: { text: 'Leave it out', hint: 'The point in time starts nothing.' },
  wait: { text: 'Wait for its end', hint: 'The run starts when the one before has ended. Those that come meanwhile are one.' },
  allow: { text: 'Start beside it', hint: 'Both run at the same time.' },
  cancel: { text: 'Cancel the one before', hint: 'The run before is cancelled, and the new one starts.' },
}

const hereZone = Intl.DateTimeFormat().resolvedOptions().timeZone
const zones = [...new Set([hereZone, 'UTC', ...Intl.supportedValuesOf('timeZone')])]

export function ScheduleFields({ trigger, change }: { trigger: ScheduleTrigger; change: ChangeTrigger }) {
  const zoneList = useId()
  const schedule = useMemo(() => {
    const { type: _, ...rest } = trigger
    return rest
  }, [trigger])
  // The faults that saving would find, without saving.
  const preview = useSchedulePreview(schedule)
  const fault = (key: string) => faultAt(preview.error, `triggers.schedule.${key}`)
  const overlap = trigger.overlap ?? 'skip'
  return (
    <>
      <RepeatFields cron={trigger.cron} error={fault('cron')} onChange={(cron) => change({ cron }, 'cron')} />
      <TextField
        label="Time zone"
        list={zoneList}
        error={fault('timezone')}
        hint={trigger.timezone === hereZone ? 'Yours.' : `Yours is ${hereZone}.`}
        value={trigger.timezone ?? 'UTC'}
        onChange={({ target }) => change({ timezone: target.value }, 'timezone')}
      />
      <datalist id={zoneList}>
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
      <SchedulePreview preview={preview} schedule={schedule} />
      <SelectField
        label="If the run before has not ended"
        value={overlap}
        hint={overlaps[overlap].hint}
        options={Object.entries(overlaps).map(([value, { text }]) => [value, text] as const)}
        onChange={({ target }) => change({ overlap: target.value as Overlap })}
      />
      <EnvironmentField label="Environment of its runs" value={trigger.environment} onChange={(environment) => change({ environment })} />
      <details className="more-settings">
        <summary>More</summary>
        <div className="stack">
          <SecondsField
            label="Catch up within"
            units={['Days', 'Hours', 'Minutes']}
            min={0}
            hint="When nothing ran here, points in time that were missed are caught up for so long; 0 for never."
            error={fault('catch-up-s')}
            seconds={trigger['catch-up-s'] ?? 600}
            onChange={(seconds) => change({ 'catch-up-s': seconds ?? 0 }, 'catch-up')}
          />
          <SecondsField
            label="Put off by up to"
            units={['Minutes', 'Seconds']}
            min={0}
            hint="So that not everything begins at the same moment. trigger.scheduled_at stays the point in time."
            error={fault('jitter-s')}
            seconds={trigger['jitter-s'] ?? 0}
            onChange={(seconds) => change({ 'jitter-s': seconds || null }, 'jitter')}
          />
          <JsonField label="Body" rows={4} hint="Blocks read it as trigger.body. JSON; nothing is null." error={fault('body')} value={trigger.body} onChange={(body) => change({ body }, 'body')} />
        </div>
      </details>
    </>
  )
}

function RepeatFields({ cron, error, onChange }: { cron: string; error: string | undefined; onChange: (cron: string) => void }) {
  const repeat = repeatOf(cron)
  // An expression of the usual kind may be the beginning of one that is none.
  const [isByHand, setByHand] = useState(repeat.kind === 'other')
  const kind: RepeatKind = isByHand ? 'other' : repeat.kind
  const set = (next: Partial<Repeat>) => onChange(cronOf({ ...repeat, kind, ...next }) ?? cron)
  const choose = (next: RepeatKind) => {
    setByHand(next === 'other')
    if (next !== 'other') set({ kind: next })
  }
  const hasTime = kind === 'daily' || kind === 'weekdays' || kind === 'weekly' || kind === 'monthly'
  const isLone = kind === 'weekdays' || kind === 'daily' || kind === 'minutes' || kind === 'hourly'
  return (
    <>
      <div className={kind === 'other' ? 'stack' : isLone ? 'form-grid' : 'form-grid repeat-grid'}>
        <SelectField label="Repeats" value={kind} options={repeatKinds} onChange={({ target }) => choose(target.value as RepeatKind)} />
        {kind === 'minutes' ? <SelectField label="Minutes" value={repeat.every} options={minuteSteps.map((step) => [String(step), step === 1 ? 'Each' : String(step)] as const)} onChange={({ target }) => set({ every: Number(target.value) })} /> : null}
        {kind === 'hourly' ? <TextField label="At minute" type="number" min={0} max={59} value={repeat.minute} onChange={({ target }) => set({ minute: Math.min(59, Math.max(0, target.valueAsNumber || 0)) })} /> : null}
        {kind === 'weekly' ? <SelectField label="On" value={repeat.weekday} options={[1, 2, 3, 4, 5, 6, 0].map((day) => [String(day), weekdays[day] ?? ''] as const)} onChange={({ target }) => set({ weekday: Number(target.value) })} /> : null}
        {kind === 'monthly' ? <SelectField label="On day" value={repeat.day} options={Array.from({ length: 31 }, (_, index) => [String(index + 1), String(index + 1)] as const)} onChange={({ target }) => set({ day: Number(target.value) })} /> : null}
        {hasTime ? (
          <TextField
            label="At"
            type="time"
            value={timeText(repeat)}
            onChange={({ target }) => {
              const [hour, minute] = target.value.split(':').map(Number)
              if (hour !== undefined && minute !== undefined) set({ hour, minute })
            }}
          />
        ) : null}
      </div>
      <TextField
        label="Cron expression"
        className="mono"
        error={error}
        hint={kind === 'monthly' && repeat.day > 28 ? 'Months without this day are left out.' : 'Minute, hour, day of the month, month, day of the week.'}
        value={cron}
        onChange={({ target }) => {
          if (repeatOf(target.value).kind === 'other') setByHand(true)
          onChange(target.value)
        }}
      />
    </>
  )
}
