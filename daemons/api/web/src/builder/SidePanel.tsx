/** The left panel: components to add, and the page's components as a list. */
import { useStore } from 'zustand'
import type { AppDocument, ComponentKind } from '../api/types'
import { inReadingOrder } from '../components/AppPage'
import type { DraftStore } from '../document/draft-store'
import { componentKinds } from './component-kinds'
import { setDraggedKind } from './drag-source'
import { addComponent, freeName } from './edits'
import { freeSpot } from './layout'

interface Props {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  onSelect: (names: string[]) => void
}

export function SidePanel({ store, page: pageName, selection, onSelect }: Props) {
  const page = useStore(store, (state) => state.document.pages[pageName])
  const add = (kind: ComponentKind) => {
    const { baseName, size, make } = componentKinds[kind]
    const name = freeName(store.getState().document, baseName)
    store.edit((draft) => addComponent(draft, pageName, name, make(), freeSpot(page?.layout ?? {}, size)))
    onSelect([name])
  }
  return (
    <aside className="side" aria-label="Components">
      <section className="side-section">
        <h2>Add</h2>
        <div className="side-kinds">
          {(Object.keys(componentKinds) as ComponentKind[]).map((kind) => {
            const { text, icon: Icon } = componentKinds[kind]
            return (
              <button key={kind} type="button" className="side-kind" draggable onClick={() => add(kind)} onDragStart={() => setDraggedKind(kind)} onDragEnd={() => setDraggedKind(undefined)}>
                <Icon className="icon" strokeWidth={1.5} aria-hidden />
                {text}
              </button>
            )
          })}
        </div>
      </section>
      <section className="side-section">
        <h2>On this page</h2>
        {page && Object.keys(page.components ?? {}).length > 0 ? (
          <ul>
            {inReadingOrder(page).map((name) => {
              const component = page.components?.[name]
              const Icon = component && componentKinds[component.type]?.icon
              return (
                <li key={name}>
                  <button type="button" className="side-item" aria-pressed={selection.includes(name)} onClick={() => onSelect([name])}>
                    {Icon ? <Icon className="icon" strokeWidth={1.5} aria-hidden /> : null}
                    <span className="truncate">{name}</span>
                  </button>
                </li>
              )
            })}
          </ul>
        ) : (
          <p className="muted">Nothing yet.</p>
        )}
      </section>
    </aside>
  )
}
