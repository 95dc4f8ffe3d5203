/** Variables of the runs of a workflow, and what becomes of a run that fails or takes too long. */
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { Button } from '../ui/Button'
import { SelectField, TextField } from '../ui/Field'
import { parseJson } from './RunDialog'
import { OptionalNumber } from './editors/fields'
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
          <InitialValue name={name} value={value} store={store} />
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

/** What is typed is kept while it is no JSON; the document has the last value that was. */
function InitialValue({ name, value, store }: Props & { name: string; value: unknown }) {
  const [typed, setTyped] = useState(() => JSON.stringify(value))
  const parsed = parseJson(typed)
  const isOld = 'value' in parsed && JSON.stringify(parsed.value) !== JSON.stringify(value)
  return (
    <div className="grow">
      <TextField
        label={name}
        className="mono"
        error={'error' in parsed ? parsed.error : undefined}
        value={isOld ? JSON.stringify(value) : typed}
        onChange={({ target }) => {
          setTyped(target.value)
          const next = parseJson(target.value)
          if ('value' in next) store.edit((draft) => void (draft.variables = { ...draft.variables, [name]: next.value }), `variable.${name}`)
        }}
      />
    </div>
  )
}

export function RunSettings({ store }: Props) {
  const document = useStore(store, (state) => state.document)
  return (
    <div className="panel-section">
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
