/** What belongs to the workflow as a whole: its title, its start, its webhooks and their keys. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { KeyRound, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import { api, dataOf } from '../api/client'
import { ApiProblem } from '../api/problem'
import type { Language, WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { languageNames, setOptions } from '../studio/library-sets'
import { librarySetsQuery } from '../studio/lists'
import { Button } from '../ui/Button'
import { CopyField } from '../ui/CopyField'
import { Dialog } from '../ui/Dialog'
import { SelectField, TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { ask } from '../ui/ask'
import { RunSettings, Variables } from './WorkflowSettings'

export function WorkflowPanel({ slug, store }: { slug: string; store: DraftStore<WorkflowDocument> }) {
  const document = useStore(store, (state) => state.document)
  const triggers = Object.entries(document.triggers ?? {})
  const [keyed, setKeyed] = useState<string>()
  const addTrigger = () => {
    const taken = document.triggers ?? {}
    let name = 'webhook'
    for (let number = 2; name in taken; number += 1) name = `webhook${number}`
    store.edit((draft) => {
      draft.triggers = { ...draft.triggers, [name]: { type: 'webhook', reply: 'response' } }
    })
  }
  return (
    <>
      <div className="panel-head">
        <h2>Workflow</h2>
      </div>
      <div className="panel-section">
        <TextField
          label="Title"
          value={document.title}
          onChange={(event) => {
            const title = event.target.value
            store.edit((draft) => void (draft.title = title), 'title')
          }}
        />
        <SelectField
          label="First block"
          value={document.start}
          options={Object.keys(document.blocks).map((name) => [name, name] as const)}
          onChange={(event) => {
            const start = event.target.value
            store.edit((draft) => void (draft.start = start))
          }}
        />
      </div>
      <div className="panel-section">
        <header>
          <h3>Webhooks</h3>
          <Button size="small" icon={Plus} onClick={addTrigger}>
            Add webhook
          </Button>
        </header>
        {triggers.length === 0 ? <p className="muted">Without a webhook the workflow is started by hand. A webhook gives it an address that other systems call with a key.</p> : null}
        {triggers.map(([name, trigger]) => (
          <div key={name} className="row">
            <div className="grow">
              <SelectField
                label={name}
                value={trigger.reply ?? 'response'}
                options={[
                  ['response', 'Waits for the response block'],
                  ['accepted', 'Answers at once with the run'],
                ]}
                onChange={(event) => {
                  const reply = event.target.value === 'accepted' ? 'accepted' : 'response'
                  store.edit((draft) => void (draft.triggers = { ...draft.triggers, [name]: { ...trigger, reply } }))
                }}
              />
            </div>
            <Button className="align-end" icon={KeyRound} onClick={() => setKeyed(name)}>
              New key
            </Button>
            <Button
              className="align-end"
              variant="ghost"
              icon={Trash2}
              label={`Remove ${name}`}
              onClick={() =>
                store.edit((draft) => {
                  delete draft.triggers?.[name]
                  if (Object.keys(draft.triggers ?? {}).length === 0) delete draft.triggers
                })
              }
            />
          </div>
        ))}
      </div>
      <Variables store={store} />
      <RunSettings store={store} />
      <LibrarySelects store={store} />
      <div className="panel-section">
        <p className="muted">Select a block to edit and run it. Drag from a block's lower edge to another to connect them; Delete removes what is selected.</p>
      </div>
      {keyed ? <KeyDialog slug={slug} trigger={keyed} onClose={() => setKeyed(undefined)} store={store} /> : null}
    </>
  )
}

/** Which sets of libraries code finds beside the standard ones. */
function LibrarySelects({ store }: { store: DraftStore<WorkflowDocument> }) {
  const chosen = useStore(store, (state) => state.document.libraries)
  const problem = useStore(store, (state) => state.problem)
  const sets = useQuery(librarySetsQuery)
  const faults = problem instanceof ApiProblem ? problem.faults : []
  const choose = (language: Language, name: string) =>
    store.edit((draft) => {
      const libraries = { ...draft.libraries }
      if (name === '') delete libraries[language]
      else libraries[language] = name
      if (Object.keys(libraries).length === 0) delete draft.libraries
      else draft.libraries = libraries
    })
  return (
    <div className="panel-section">
      <h3>Libraries</h3>
      {(Object.keys(languageNames) as Language[]).map((language) => (
        <SelectField
          key={language}
          label={`${languageNames[language]} libraries`}
          value={chosen?.[language] ?? ''}
          disabled={sets.isPending}
          options={setOptions(sets.data ?? [], language, chosen?.[language] ?? '')}
          error={faults.find((fault) => fault.path === `libraries.${language}`)?.message}
          onChange={(event) => choose(language, event.target.value)}
        />
      ))}
      {sets.isError ? <ErrorNotice error={sets.error} /> : null}
    </div>
  )
}

function KeyDialog({ slug, trigger, store, onClose }: { slug: string; trigger: string; store: DraftStore<WorkflowDocument>; onClose: () => void }) {
  const create = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      // The key belongs to a trigger that the server knows.
      await store.save()
      return dataOf(api.POST('/api/v1/workflows/{slug}/triggers/{trigger}/key', { params: { path: { slug, trigger } }, headers: { 'content-type': 'application/json' } }))
    },
  })
  const confirmAndCreate = async () => {
    if (await ask({ title: 'Make a new key?', text: 'A key that callers use now stops working at once.', confirm: 'Make new key', isDanger: true })) create.mutate()
  }
  const address = create.data?.url.split('?')[0] ?? ''
  return (
    <Dialog
      title={`Key of ${trigger}`}
      isWide
      onClose={onClose}
      footer={
        create.data ? (
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button variant="primary" isBusy={create.isPending} onClick={() => void confirmAndCreate()}>
              Make new key
            </Button>
          </>
        )
      }
    >
      <ErrorNotice error={create.error} />
      {create.data ? (
        <>
          <p>This is the only time that the key is shown. Release the workflow for the webhook to work.</p>
          <CopyField label="Address with the key in it" value={create.data.url} />
          <CopyField label="Key alone, for the header Authorization: Bearer" value={create.data.key} />
          <CopyField label="Try it" value={`curl -X POST '${address}' -H 'Authorization: Bearer ${create.data.key}' -H 'Content-Type: application/json' -d '{}'`} />
        </>
      ) : (
        <p>Callers prove who they are with the key. Only a hash of it is kept, so a lost key is replaced by a new one.</p>
      )}
    </Dialog>
  )
}
