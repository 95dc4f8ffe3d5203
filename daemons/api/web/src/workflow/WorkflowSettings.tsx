/** Variables of the runs of a workflow, and what becomes of a run that fails, takes too long or knows not what came of a block. */
import { useQuery } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import { faultAt, messageOf } from '../api/problem'
import type { WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { workflowsQuery } from '../studio/lists'
import { workflowOptions } from '../studio/workflow-options'
import { Button } from '../ui/Button'
import { SelectField, TextField } from '../ui/Field'
import { JsonField, OptionalNumber } from './editors/fields'
import { setOnError } from './edits'

interface Props {
  store: DraftStore<WorkflowDocument>
}

export function Variables({ store }: Props) {
  const variables = useStore(store, (state) => state.document.variables) ?? {}
  const [typed, setTyped] = useState('')
  const isFree = /^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(typed) && !(typed in variables)
  const add = () => {
    if (!isFree) return
    store.edit((draft) => void (draft.variables = { ...draft.variables, [typed]: null }))
    setTyped('')
  }
  return (
    <div className="panel-section">
      <h3>Variables</h3>
      <p className="muted">{Object.keys(variables).length === 0 ? 'A variable keeps a value through a run: “Set variables” changes it, and expressions read it as vars.name.' : 'What each is at the start of a run, as JSON.'}</p>
      {Object.entries(variables).map(([name, value]) => (
        <div key={name} className="row">
          <div className="grow">
            <JsonField label={name} value={value} onChange={(next) => store.edit((draft) => void (draft.variables = { ...draft.variables, [name]: next }), `variable.${name}`)} />
          </div>
          <Button
            className="align-end"
            variant="ghost"
            icon={Trash2}
            label={`Remove ${name}`}
            onClick={() =>
              store.edit((draft) => {
                delete draft.variables?.[name]
                if (Object.keys(draft.variables ?? {}).length === 0) delete draft.variables
              })
            }
          />
        </div>
      ))}
      <div className="row">
        <div className="grow">
          <TextField label="New variable" className="mono" placeholder="total" maxLength={63} value={typed} onChange={({ target }) => setTyped(target.value)} />
        </div>
        <Button className="align-end" icon={Plus} disabled={!isFree} onClick={add}>
          Add variable
        </Button>
      </div>
    </div>
  )
}

export function RunSettings({ store }: Props) {
  const document = useStore(store, (state) => state.document)
  const problem = useStore(store, (state) => state.problem)
  const workflows = useQuery(workflowsQuery)
  return (
    <div className="panel-section">
      <h3>When something goes wrong</h3>
      <SelectField
        label="When a run fails, go to"
        hint="That block and those after it see the cause as error. The run ends as failed all the same."
        value={document['on-error'] ?? ''}
        options={[['', 'Nothing'], ...Object.keys(document.blocks).map((name) => [name, name] as const)]}
        onChange={({ target }) => {
          const { value } = target
          store.edit((draft) => setOnError(draft, value))
        }}
      />
      <SelectField
        label="When a run has failed, run"
        hint="The released version of that workflow, once for each run that fails; it reads which run and why as trigger.body."
        value={document['on-failure'] ?? ''}
        error={workflows.isError ? messageOf(workflows.error) : faultAt(problem, 'on-failure')}
        options={[...(document['on-failure'] ? [['', 'Nothing'] as const] : []), ...workflowOptions(workflows.data, document['on-failure'] ?? '', 'Nothing')]}
        onChange={({ target }) => {
          const { value } = target
          store.edit((draft) => {
            if (value === '') delete draft['on-failure']
            else draft['on-failure'] = value
          })
        }}
      />
      <SelectField
        label="When it is unknown whether a block took effect"
        hint="After a crash or a connection that broke. A block with the way out error goes that way by itself."
        value={document['unknown-outcome'] ?? 'ask'}
        options={[
          ['ask', 'The run waits until somebody has chosen'],
          ['fail', 'The block has failed'],
        ]}
        onChange={({ target }) => {
          const { value } = target
          store.edit((draft) => {
            if (value === 'fail') draft['unknown-outcome'] = 'fail'
            else delete draft['unknown-outcome']
          })
        }}
      />
      <OptionalNumber
        label="Time limit of a run (s)"
        placeholder="None"
        hint="A run that takes longer fails, waits included."
        value={document['timeout-s']}
        onChange={(seconds) =>
          store.edit((draft) => {
            if (seconds === null) delete draft['timeout-s']
            else draft['timeout-s'] = seconds
          }, 'timeout')
        }
      />
    </div>
  )
}
