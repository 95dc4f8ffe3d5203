/** Editors of the blocks that wait for something, and of those that end or answer. */
import { useQuery } from '@tanstack/react-query'
import { useStore } from 'zustand'
import { faultAt, messageOf } from '../../api/problem'
import type { EventWait } from '../../api/types'
import { workflowsQuery } from '../../studio/lists'
import { workflowOptions } from '../../studio/workflow-options'
import { CheckField, SelectField, TextField } from '../../ui/Field'
import type { EditorProps } from './change'
import { ExpressionField, HeadersField, SecondsField } from './fields'

const waits = {
  seconds: { text: 'For some seconds', first: { seconds: '60' } },
  until: { text: 'Until a point in time', first: { until: "'2030-01-01T09:00:00Z'" } },
  event: { text: 'For an event', first: { event: { name: 'event' } } },
} as const

export function WaitEditor({ name, block, change, faults, store }: EditorProps<'wait'>) {
  const until = block.for
  const kind = 'event' in until ? 'event' : 'until' in until ? 'until' : 'seconds'
  return (
    <div className="panel-section">
      <SelectField label="Waits" value={kind} options={Object.entries(waits).map(([value, { text }]) => [value, text] as const)} onChange={({ target }) => change({ for: waits[target.value as keyof typeof waits].first })} />
      {'event' in until ? (
        <EventFields name={name} event={until.event} faults={faults} store={store} onChange={(event, key) => change({ for: { event } }, key)} />
      ) : (
        <ExpressionField
          key={kind}
          label={'until' in until ? 'Time' : 'Seconds'}
          value={'until' in until ? until.until : until.seconds}
          onChange={(next) => change({ for: 'until' in until ? { until: next } : { seconds: next } }, 'for')}
          faults={faults}
          placeholderText={'until' in until ? 'load.rows[0].due_at' : '24 * 3600'}
          hint={'until' in until ? 'A JavaScript expression: a text such as 2030-01-01T09:00:00Z, a Date, or milliseconds since 1970.' : 'A JavaScript expression. A run that waits takes up nothing meanwhile.'}
        />
      )}
    </div>
  )
}

function EventFields({ name, event, faults, store, onChange }: Pick<EditorProps<'wait'>, 'name' | 'faults' | 'store'> & { event: EventWait; onChange: (event: EventWait, key?: string) => void }) {
  const problem = useStore(store, (state) => state.problem)
  const fault = (key: string) => faultAt(problem, `blocks.${name}.for.event.${key}`)
  // What says nothing leaves no trace.
  const set = (next: Partial<EventWait>, key: string) => {
    const all = Object.entries({ ...event, ...next }).filter(([, value]) => value !== undefined && value !== null && value !== '')
    onChange({ name: '', ...Object.fromEntries(all) }, `event.${key}`)
  }
  const seconds = event['timeout-s'] ?? undefined
  return (
    <>
      <TextField
        label="Event"
        className="mono"
        maxLength={63}
        error={/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(event.name) ? fault('name') : 'Use a letter, then letters, digits or _.'}
        hint="Its name. It is sent by a webhook that delivers it, by the API, or from a run that waits."
        value={event.name}
        onChange={({ target }) => set({ name: target.value }, 'name')}
      />
      <ExpressionField label="Key" value={event.key ?? ''} onChange={(key) => set({ key }, 'key')} faults={faults} placeholderText="trigger.body.order" hint="A JavaScript expression: which of these events. Empty for events without a key." />
      <SecondsField label="At most" placeholder="For ever" units={['Days', 'Hours', 'Minutes', 'Seconds']} seconds={seconds} error={fault('timeout-s')} onChange={(next) => set({ 'timeout-s': next, ...(next === null ? { 'at-timeout': undefined } : {}) }, 'timeout')} />
      {seconds === undefined ? null : (
        <SelectField
          label="If it has not come by then"
          value={event['at-timeout'] ?? 'fail'}
          options={[
            ['fail', 'The block fails'],
            ['continue', 'The run goes on with null'],
          ]}
          onChange={({ target }) => set({ 'at-timeout': target.value === 'continue' ? 'continue' : undefined }, 'at-timeout')}
        />
      )}
    </>
  )
}

export function RunWorkflowEditor({ block, change, faults }: EditorProps<'workflow'>) {
  const workflows = useQuery(workflowsQuery)
  return (
    <div className="panel-section">
      <SelectField
        label="Workflow"
        value={block.workflow}
        error={workflows.isError ? messageOf(workflows.error) : undefined}
        hint="Its released version runs."
        options={workflowOptions(workflows.data, block.workflow, 'Choose a workflow')}
        onChange={({ target }) => change({ workflow: target.value })}
      />
      <ExpressionField label="Input" value={block.input ?? ''} onChange={(input) => change({ input }, 'input')} faults={faults} placeholderText="{ month: trigger.body.month }" hint="A JavaScript expression; the other run reads its value as trigger.body." />
      <CheckField label="Wait for its end, and take its answer as the result" checked={block.wait ?? true} onChange={({ target }) => change({ wait: target.checked })} />
    </div>
  )
}

export function ResponseEditor({ block, change, faults }: EditorProps<'response'>) {
  return (
    <div className="panel-section">
      <TextField label="HTTP status" type="number" min={200} max={599} value={block.status ?? 200} onChange={({ target }) => change({ status: target.valueAsNumber || 0 }, 'status')} />
      <ExpressionField label="Body" value={block.body} onChange={(body) => change({ body }, 'body')} faults={faults} placeholderText="{ total: sum.total }" hint="A JavaScript expression; its value is sent as JSON. The run goes on afterwards." />
      <HeadersField value={block.headers ?? {}} onChange={(headers) => change({ headers }, 'headers')} />
    </div>
  )
}

export function StopEditor({ block, change }: EditorProps<'stop'>) {
  return (
    <div className="panel-section">
      <SelectField
        label="The run ends as"
        value={block.status ?? 'succeeded'}
        options={[
          ['succeeded', 'Succeeded'],
          ['failed', 'Failed'],
        ]}
        onChange={({ target }) => change({ status: target.value === 'failed' ? 'failed' : 'succeeded' })}
      />
      <TextField label="Message" hint="Why. Text with {{ }}; it is the run's error if that ends as failed." value={block.message ?? ''} onChange={({ target }) => change({ message: target.value }, 'message')} />
    </div>
  )
}
