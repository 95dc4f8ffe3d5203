/** Editors of the blocks that wait for something, and of those that end or answer. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { workflowsQuery } from '../../studio/lists'
import { workflowOptions } from '../../studio/workflow-options'
import { messageOf } from '../../api/problem'
import { CheckField, SelectField, TextAreaField, TextField } from '../../ui/Field'
import type { EditorProps } from './change'
import { ExpressionField, HeadersField, SecondsField } from './fields'

export function WaitEditor({ block, change, faults }: EditorProps<'wait'>) {
  const isUntil = 'until' in block.for
  const value = 'until' in block.for ? block.for.until : block.for.seconds
  return (
    <div className="panel-section">
      <SelectField
        label="Waits"
        value={isUntil ? 'until' : 'seconds'}
        options={[
          ['seconds', 'For some seconds'],
          ['until', 'Until a point in time'],
        ]}
        onChange={({ target }) => change({ for: target.value === 'until' ? { until: "'2030-01-01T09:00:00Z'" } : { seconds: '60' } })}
      />
      <ExpressionField
        key={isUntil ? 'until' : 'seconds'}
        label={isUntil ? 'Time' : 'Seconds'}
        value={value}
        onChange={(next) => change({ for: isUntil ? { until: next } : { seconds: next } }, 'for')}
        faults={faults}
        placeholderText={isUntil ? 'load.rows[0].due_at' : '24 * 3600'}
        hint={isUntil ? 'A JavaScript expression: a text such as 2030-01-01T09:00:00Z, a Date, or milliseconds since 1970.' : 'A JavaScript expression. A run that waits takes up nothing meanwhile.'}
      />
    </div>
  )
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

export function ApprovalEditor({ block, change }: EditorProps<'approval'>) {
  const [typed, setTyped] = useState('')
  const people = block.people ?? []
  const seconds = block['deadline-s'] ?? undefined
  return (
    <div className="panel-section">
      <TextField label="Title" placeholder="Refund {{ load.rows[0].total }}?" hint="What is asked. Text with {{ }}." value={block.title} onChange={({ target }) => change({ title: target.value }, 'title')} />
      <TextAreaField label="Description" rows={4} hint="What the person should know. Text with {{ }}." value={block.description ?? ''} onChange={({ target }) => change({ description: target.value }, 'description')} />
      <TextAreaField
        label="People"
        rows={3}
        placeholder="ada@example.com"
        hint="E-mail addresses of those who may decide, one per line; everyone who may edit the workflow when empty."
        value={linesOf(typed).join() === people.join() ? typed : people.join('\n')}
        onChange={({ target }) => {
          setTyped(target.value)
          change({ people: linesOf(target.value) }, 'people')
        }}
      />
      <SecondsField label="Deadline after" placeholder="None" units={['Hours', 'Minutes']} seconds={seconds} onChange={(next) => change({ 'deadline-s': next }, 'deadline')} />
      {seconds === undefined ? null : (
        <SelectField
          label="At the deadline"
          value={block['at-deadline'] ?? 'reject'}
          options={[
            ['reject', 'It counts as rejected'],
            ['approve', 'It counts as approved'],
            ['fail', 'The block fails'],
          ]}
          onChange={({ target }) => change({ 'at-deadline': target.value === 'approve' || target.value === 'fail' ? target.value : 'reject' })}
        />
      )}
    </div>
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
