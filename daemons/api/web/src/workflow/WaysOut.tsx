/** Where a block leads, chosen from lists: the same as dragging in the graph, for those who use the keyboard. */
import { useStore } from 'zustand'
import type { Block, WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { SelectField } from '../ui/Field'
import { nextOf, scopesOf, waysOf } from './blocks'
import { connect, removeEdge } from './edits'

export function WaysOut({ name, block, store }: { name: string; block: Block; store: DraftStore<WorkflowDocument> }) {
  const document = useStore(store, (state) => state.document)
  const ways = [...new Set([...scopesOf(block), ...waysOf(block)])]
  if (ways.length === 0) return null
  const others = Object.keys(document.blocks).filter((other) => other !== name)
  return (
    <div className="panel-section">
      <details className="more-settings">
        <summary>Ways out</summary>
        <div className="stack compact">
          {ways.map((way) => (
            <SelectField
              key={way ?? ''}
              label={way === undefined ? 'Afterwards' : `By “${way}”`}
              value={nextOf(document, name, way) ?? ''}
              options={[['', 'Nothing'], ...others.map((other) => [other, other] as const)]}
              onChange={({ target }) => {
                const to = target.value
                store.edit((draft) => (to === '' ? removeEdge(draft, name, way) : connect(draft, name, to, way)))
              }}
            />
          ))}
        </div>
      </details>
    </div>
  )
}
