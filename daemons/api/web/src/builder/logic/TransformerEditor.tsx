/** A transformer: its code, and its value as it is now. */
import type { AppDocument, Transformer } from '../../api/types'
import { useRuntimeState } from '../../components/runtime-context'
import type { DraftStore } from '../../document/draft-store'
import { JsonView } from '../../ui/JsonView'
import { NameField } from '../Inspector'
import { AppCodeEditor } from './AppCodeEditor'
import { RemoveButton } from './RemoveButton'

interface Props {
  name: string
  transformer: Transformer
  store: DraftStore<AppDocument>
  onRenamed: (name: string) => void
  onRemoved: () => void
}

export function TransformerEditor({ name, transformer, store, onRenamed, onRemoved }: Props) {
  const shown = useRuntimeState((state) => state.shown[`${name}.value`])
  const change = (code: string) =>
    store.edit((draft) => {
      const target = draft.transformers?.[name]
      if (target) target.code = code
    }, `${name}.code`)
  return (
    <>
      <div className="drawer-editor">
        <AppCodeEditor label={`Code of ${name}`} value={transformer.code} onChange={change} />
      </div>
      <div className="drawer-result" aria-live="polite">
        {shown && 'error' in shown ? <p className="notice red">{shown.error}</p> : <JsonView value={shown?.value ?? null} />}
      </div>
      <div className="drawer-settings compact">
        <NameField name={name} store={store} onRenamed={onRenamed} />
        <p className="hint">
          An expression, or statements with <code>return</code>. Read as <code>{`{{ ${name}.value }}`}</code>; computed anew when what it reads changes. It has no effects: use a script for those.
        </p>
        <RemoveButton text="Delete transformer" store={store} remove={(draft) => void delete draft.transformers?.[name]} onRemoved={onRemoved} />
      </div>
    </>
  )
}
