/** The editor of what is selected in the drawer: a query, a script, a transformer or a state variable. */
import { useStore } from 'zustand'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { QueryEditor } from '../QueryEditor'
import { ScriptEditor } from './ScriptEditor'
import { StateEditor } from './StateEditor'
import { TransformerEditor } from './TransformerEditor'
import './logic.css'

interface Props {
  slug: string
  page: string
  selected: string
  store: DraftStore<AppDocument>
  onSelect: (selected: string | undefined) => void
}

export function LogicEditor({ slug, page, selected, store, onSelect }: Props) {
  const document = useStore(store, (state) => state.document)
  const common = { store, onRenamed: onSelect, onRemoved: () => onSelect(undefined) }
  if (selected.startsWith('state.')) return <StateEditor {...common} name={selected.slice('state.'.length)} page={page} />
  const query = document.queries?.[selected]
  if (query) return <QueryEditor {...common} slug={slug} name={selected} query={query} />
  const script = document.scripts?.[selected]
  if (script) return <ScriptEditor {...common} name={selected} script={script} />
  const transformer = document.transformers?.[selected]
  return transformer ? <TransformerEditor {...common} name={selected} transformer={transformer} /> : null
}
