/** The left panel: components to add, and the page's components as a tree. */
import { Search } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, Page } from '../api/types'
import { optionsOf } from '../components/choice/options'
import { useRuntime } from '../components/runtime-context'
import { namesOn } from '../components/slot'
import { groups } from '../components/spec'
import type { DraftStore } from '../document/draft-store'
import { heldValue, stateOf } from '../runtime/kinds'
import { textOf } from '../runtime/values'
import { componentKinds, makeComponent } from './component-kinds'
import { setDraggedKind } from './drag-source'
import { addComponent, freeName } from './edits'
import { freeSpot, gridFor } from './layout'

interface Props {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  onSelect: (names: string[]) => void
}

export function SidePanel(props: Props) {
  const { store, page: pageName, selection, onSelect } = props
  const page = useStore(store, (state) => state.document.pages[pageName])
  const [wanted, setWanted] = useState('')
  const runtime = useRuntime()
  /** The tab or step that shows. */
  const shownSlot = (name: string) => {
    const kind = page?.components?.[name]?.type
    if (kind !== 'tabs' && kind !== 'steps') return undefined
    const read = runtime.reader(name)
    const slots = optionsOf((property) => read(property === 'options' ? kind : property)).map((option) => textOf(option.value))
    const shown = textOf(heldValue(kind, runtime.store.getState().components[name], read))
    return slots.includes(shown) ? shown : slots[0]
  }
  const add = (kind: string) => {
    const spec = componentKinds[kind]
    if (!spec) return
    const name = freeName(store.getState().document, spec.baseName)
    // What is added while a container is selected, or something in it, stands there too; what lies over the page stands on it.
    const grid = stateOf(kind).isOverlay ? {} : gridFor(page, selection[0], shownSlot)
    store.edit((draft) => addComponent(draft, pageName, name, makeComponent(kind), { ...freeSpot(page?.layout ?? {}, spec.size, grid), ...grid }))
    onSelect([name])
  }
  const isFound = (text: string) => text.toLowerCase().includes(wanted.trim().toLowerCase())
  const found = Object.entries(componentKinds).filter(([, { text }]) => isFound(text))
  return (
    <aside className="side" aria-label="Components">
      <section className="side-section">
        <h2>Add</h2>
        <div className="side-search">
          <Search className="icon" size={14} strokeWidth={1.5} aria-hidden />
          <input className="input" type="search" aria-label="Find a component" placeholder="Find a component" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        </div>
        {groups.map((group) => {
          const kinds = found.filter(([, spec]) => spec.group === group)
          if (kinds.length === 0) return null
          return (
            <div key={group} role="group" aria-label={group}>
              <h3 className="side-group">{group}</h3>
              <div className="side-kinds">
                {kinds.map(([kind, { text, icon: Icon }]) => (
                  <button key={kind} type="button" className="side-kind" draggable onClick={() => add(kind)} onDragStart={() => setDraggedKind(kind)} onDragEnd={() => setDraggedKind(undefined)}>
                    <Icon className="icon" strokeWidth={1.5} aria-hidden />
                    {text}
                  </button>
                ))}
              </div>
            </div>
          )
        })}
        {found.length === 0 ? <p className="muted">No component of this name.</p> : null}
      </section>
      <section className="side-section">
        <h2>On this page</h2>
        {page && Object.keys(page.components ?? {}).length > 0 ? <Branch {...props} shown={page} depth={0} /> : <p className="muted">Nothing yet.</p>}
      </section>
    </aside>
  )
}

/** Components on one grid, and below each what stands in it. */
function Branch({ shown, parent, depth, ...props }: Props & { shown: Page; parent?: string; depth: number }) {
  const { selection, onSelect } = props
  const names = namesOn(shown, parent === undefined ? {} : { parent })
  if (names.length === 0 || depth > 8) return null
  return (
    <ul className={depth > 0 ? 'side-branch' : undefined}>
      {names.map((name) => {
        const Icon = componentKinds[shown.components?.[name]?.type ?? '']?.icon
        return (
          <li key={name}>
            <button type="button" className="side-item" aria-pressed={selection.includes(name)} onClick={() => onSelect([name])}>
              {Icon ? <Icon className="icon" strokeWidth={1.5} aria-hidden /> : null}
              <span className="truncate">{name}</span>
            </button>
            <Branch {...props} shown={shown} parent={name} depth={depth + 1} />
          </li>
        )
      })}
    </ul>
  )
}
