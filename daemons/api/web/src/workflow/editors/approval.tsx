/** The editor of the block that asks people: whom, what they fill in, and who is asked later. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useStore } from 'zustand'
import { faultAt } from '../../api/problem'
import { groupsQuery } from '../../studio/lists'
import { CheckField, SelectField, TextAreaField, TextField } from '../../ui/Field'
import { FormEditor } from './FormEditor'
import type { EditorProps } from './change'
import { SecondsField } from './fields'

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

export function ApprovalEditor({ name, block, change, store }: EditorProps<'approval'>) {
  const problem = useStore(store, (state) => state.problem)
  const fault = (key: string) => faultAt(problem, `blocks.${name}.${key}`)
  const seconds = block['deadline-s'] ?? undefined
  const later = block['escalate-to']
  const hasEscalation = later !== undefined || block['escalate-after-s'] != null
  return (
    <>
      <div className="panel-section">
        <TextField label="Title" placeholder="Refund {{ load.rows[0].total }}?" hint="What is asked. Text with {{ }}." value={block.title} onChange={({ target }) => change({ title: target.value }, 'title')} />
        <TextAreaField label="Description" rows={4} hint="What the person should know. Text with {{ }}." value={block.description ?? ''} onChange={({ target }) => change({ description: target.value }, 'description')} />
        <PeopleField label="People" hint="E-mail addresses of those who may decide, one per line." people={block.people ?? []} error={fault('people')} onChange={(people) => change({ people }, 'people')} />
        <GroupsField label="Groups" hint="Everyone in them may decide. With no people and no groups, whoever may edit the workflow." groups={block.groups ?? []} fault={(index) => fault(`groups.${index}`)} onChange={(groups) => change({ groups })} />
      </div>
      <FormEditor fields={block.form ?? []} fault={(key) => fault(`form.${key}`)} onChange={(form, key) => change({ form }, key && `form.${key}`)} />
      <div className="panel-section">
        <CheckField
          label="Ask others too when nobody has decided"
          checked={hasEscalation}
          onChange={({ target }) => change(target.checked ? { 'escalate-after-s': 4 * 3600, 'escalate-to': { people: [] } } : { 'escalate-after-s': null, 'escalate-to': null } as object)}
        />
        {hasEscalation ? (
          <>
            <SecondsField label="After" units={['Hours', 'Minutes']} seconds={block['escalate-after-s'] ?? undefined} error={fault('escalate-after-s')} onChange={(next) => change({ 'escalate-after-s': next }, 'escalate-after')} />
            <PeopleField label="People then" hint="They may decide too from then on." people={later?.people ?? []} error={fault('escalate-to') ?? fault('escalate-to.people')} onChange={(people) => change({ 'escalate-to': { ...later, people } }, 'escalate-people')} />
            <GroupsField label="Groups then" groups={later?.groups ?? []} fault={(index) => fault(`escalate-to.groups.${index}`)} onChange={(groups) => change({ 'escalate-to': { ...later, groups } })} />
          </>
        ) : null}
        <SecondsField label="Deadline after" placeholder="None" units={['Hours', 'Minutes']} seconds={seconds} error={fault('deadline-s')} onChange={(next) => change({ 'deadline-s': next }, 'deadline')} />
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
    </>
  )
}

/** Addresses, one a line. What is typed stays as typed for as long as it means the value. */
function PeopleField({ label, hint, people, error, onChange }: { label: string; hint: string; people: string[]; error: string | undefined; onChange: (people: string[]) => void }) {
  const [typed, setTyped] = useState('')
  return (
    <TextAreaField
      label={label}
      rows={3}
      placeholder="ada@example.com"
      hint={hint}
      error={error}
      value={linesOf(typed).join() === people.join() ? typed : people.join('\n')}
      onChange={({ target }) => {
        setTyped(target.value)
        onChange(linesOf(target.value))
      }}
    />
  )
}

/** The groups that there are, and those that the block names although they are gone. */
function GroupsField({ label, hint, groups, fault, onChange }: { label: string; hint?: string; groups: string[]; fault: (index: number) => string | undefined; onChange: (groups: string[]) => void }) {
  const known = useQuery(groupsQuery)
  const all = known.data?.map((group) => group.name) ?? []
  const gone = known.isSuccess ? groups.filter((group) => !all.includes(group)) : groups
  const errors = groups.map((_, index) => fault(index)).filter((error) => error !== undefined)
  return (
    <fieldset className="field groups-field">
      <legend className="label">{label}</legend>
      {[...all, ...gone].map((group) => (
        <CheckField
          key={group}
          label={known.isSuccess && gone.includes(group) ? `${group} (not found)` : group}
          checked={groups.includes(group)}
          onChange={({ target }) => onChange(target.checked ? [...groups, group] : groups.filter((other) => other !== group))}
        />
      ))}
      {known.isSuccess && all.length === 0 ? <p className="muted">There is no group yet. Administrators add them under Groups.</p> : null}
      {known.isError ? <p className="error">The groups could not be loaded.</p> : null}
      {errors.length > 0 ? <p className="error">{errors[0]}</p> : hint ? <p className="hint">{hint}</p> : null}
    </fieldset>
  )
}
