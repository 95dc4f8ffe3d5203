/** A state variable: its first value, its value now, and which pages see it. */
import { useStore } from 'zustand'
import type { AppDocument, StateVariable } from '../../api/types'
import { useRuntime, useRuntimeState } from '../../components/runtime-context'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { SelectField } from '../../ui/Field'
import { JsonField } from '../../ui/JsonField'
import { JsonView } from '../../ui/JsonView'
import { BindingField } from '../BindingField'
import { valueAtPath, valuesNow } from '../assist/values'
import { RenameField } from '../RenameField'
import { removeState, stateNameProblem } from '../edits'
import { RemoveButton } from './RemoveButton'
import { textIn } from './text-in'

interface Props {
  name: string
  page: string
  store: DraftStore<AppDocument>
  onRenamed: (selected: string) => void
  onRemoved: () => void
}

/** The page that a variable belongs to; nothing when the app has it. */
function pageOf(document: AppDocument, name: string): string | undefined {
  return Object.entries(document.pages).find(([, page]) => page.state?.[name])?.[0]
}

export function StateEditor({ name, page, store, onRenamed, onRemoved }: Props) {
  const document = useStore(store, (state) => state.document)
  const runtime = useRuntime()
  useRuntimeState((state) => state.shown)
  const owner = pageOf(document, name)
  const variable: StateVariable = (owner === undefined ? document.state?.[name] : document.pages[owner]?.state?.[name]) ?? {}
  const isStructured = typeof variable.initial === 'object' && variable.initial !== null
  const put = (place: string | undefined, next: StateVariable) =>
    store.edit((draft) => {
      delete draft.state?.[name]
      for (const other of Object.values(draft.pages)) delete other.state?.[name]
      const target = place === undefined ? (draft.state ??= {}) : draft.pages[place] ? (draft.pages[place].state ??= {}) : undefined
      if (target) target[name] = next
    }, `state.${name}`)
  const rename = async (to: string) => {
    const { renameState } = await import('../../document/rename-everywhere')
    store.edit((draft) => renameState(draft, name, to))
    onRenamed(`state.${to}`)
  }
  const setInitial = (initial: unknown) => put(owner, initial === undefined || initial === '' ? {} : { initial })
  return (
    <>
      <div className="drawer-editor drawer-form compact">
        {isStructured ? (
          <JsonField label="First value" hint="Texts in it may hold {{ }}." value={variable.initial} onChange={setInitial} />
        ) : (
          <BindingField label="First value" hint="Its value until it is set; null when empty. A single {{ }} keeps the type of its value." isLong value={textIn(variable.initial)} onChange={setInitial} />
        )}
        <div className="row">
          <Button size="small" onClick={() => setInitial(isStructured ? '' : {})}>
            {isStructured ? 'As a text' : 'As JSON'}
          </Button>
        </div>
      </div>
      <div className="drawer-result" aria-live="polite">
        <JsonView value={valueAtPath(valuesNow(runtime), ['state', name, 'value']) ?? null} />
        <div className="row">
          <Button size="small" onClick={() => runtime.resetVariable(name)}>
            Put it back
          </Button>
        </div>
      </div>
      <div className="drawer-settings compact">
        <RenameField name={name} problemOf={(to) => stateNameProblem(store.getState().document, to)} onRename={rename} />
        <SelectField
          label="Seen by"
          value={owner ?? ''}
          options={[['', 'Every page'], ...[...new Set([page, ...(owner === undefined ? [] : [owner])])].map((one) => [one, `The page ${one}`] as const)]}
          onChange={({ target }) => put(target.value === '' ? undefined : target.value, variable)}
        />
        <p className="hint">
          Read as <code>{`{{ state.${name}.value }}`}</code>. Actions set it, and scripts by <code>{`state.${name}.set(value)`}</code>.
        </p>
        <RemoveButton text="Delete variable" store={store} remove={(draft) => removeState(draft, name)} onRemoved={onRemoved} />
      </div>
    </>
  )
}
