/** What belongs to the workflow as a whole: its title, its start, its triggers, and what becomes of its runs. */
import { useQuery } from '@tanstack/react-query'
import { useStore } from 'zustand'
import { faultAt } from '../api/problem'
import type { Language, WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { languageNames, setOptions } from '../studio/library-sets'
import { librarySetsQuery } from '../studio/lists'
import { SelectField, TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { RunSettings, Variables } from './WorkflowSettings'
import { Functions } from './functions/Functions'
import { Triggers } from './triggers/Triggers'

export function WorkflowPanel({ slug, store, version }: { slug: string; store: DraftStore<WorkflowDocument>; version: number | undefined }) {
  const document = useStore(store, (state) => state.document)
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
      <Triggers slug={slug} store={store} version={version} />
      <Variables store={store} />
      <Functions slug={slug} store={store} />
      <RunSettings store={store} />
      <LibrarySelects store={store} />
      <div className="panel-section">
        <p className="muted">Select a block to edit and run it. Drag from a block's lower edge to another to connect them; Delete removes what is selected.</p>
      </div>
    </>
  )
}

/** Which sets of libraries code finds beside the standard ones. */
function LibrarySelects({ store }: { store: DraftStore<WorkflowDocument> }) {
  const chosen = useStore(store, (state) => state.document.libraries)
  const problem = useStore(store, (state) => state.problem)
  const sets = useQuery(librarySetsQuery)
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
          error={faultAt(problem, `libraries.${language}`)}
          onChange={(event) => choose(language, event.target.value)}
        />
      ))}
      {sets.isError ? <ErrorNotice error={sets.error} /> : null}
    </div>
  )
}
