/** The left panel: components to add, and the page's components as a tree. */
import { Search } from 'lucide-react'
import { type MouseEvent, Suspense, lazy, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, Page } from '../api/types'
import { optionsOf } from '../components/choice/options'
import { useRuntime } from '../components/runtime-context'
import { namesOn } from '../components/slot'
import { groups } from '../components/spec'
import type { DraftStore } from '../document/draft-store'
import { heldValue, stateOf } from '../runtime/kinds'
import { around } from '../runtime/nesting'
import { textOf } from '../runtime/values'
import { componentKinds, makeComponent } from './component-kinds'
import { setDraggedKind } from './drag-source'
import { addComponent, freeName } from './edits'
import { freeSpot, gridFor } from './layout'
import { t } from '../messages/messages'

/** A list of so many is read at a glance. */
const fewComponents = 8

const ModuleList = lazy(async () => ({ default: (await import('./modules/ModuleList')).ModuleList }))

interface Props {
  /** Of the app; without one there are no modules to add. */
  slug?: string
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  onSelect: (names: string[]) => void
}

export function SidePanel(props: Props) {
  const { slug, store, page: pageName, selection, onSelect } = props
  const page = useStore(store, (state) => state.document.pages[pageName])
  const [wanted, setWanted] = useState('')
  const [sought, setSought] = useState('')
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
  const grid = gridFor(page, selection[0], shownSlot)
  const add = (kind: string) => {
    const spec = componentKinds[kind]
    if (!spec) return
    const name = freeName(store.getState().document, spec.baseName)
    // What is added while a container is selected, or something in it, stands there too; what lies over the page stands on it.
    const place = stateOf(kind).isOverlay ? {} : grid
    store.edit((draft) => addComponent(draft, pageName, name, makeComponent(kind), { ...freeSpot(page?.layout ?? {}, spec.size, place), ...place }))
    onSelect([name])
  }
  const isFound = (text: string) => text.toLowerCase().includes(wanted.trim().toLowerCase())
  const found = Object.entries(componentKinds).filter(([, { text, isClosed }]) => !isClosed && isFound(t(text)))
  return (
    <aside className="side" aria-label={t('Components')}>
      <section className="side-section">
        <h2>{t('Add')}</h2>
        <div className="side-search">
          <Search className="icon" size={14} strokeWidth={1.5} aria-hidden />
          <input className="input" type="search" aria-label={t('Find a component')} placeholder={t('Find a component')} value={wanted} onChange={(event) => setWanted(event.target.value)} />
        </div>
        {groups.map((group) => {
          const kinds = found.filter(([, spec]) => spec.group === group)
          if (kinds.length === 0) return null
          return (
            <div key={group} role="group" aria-label={t(group)}>
              <h3 className="side-group">{t(group)}</h3>
              <div className="side-kinds">
                {kinds.map(([kind, { text, icon: Icon }]) => (
                  <button key={kind} type="button" className="side-kind" draggable onClick={() => add(kind)} onDragStart={() => setDraggedKind(kind)} onDragEnd={() => setDraggedKind(undefined)}>
                    <Icon className="icon" strokeWidth={1.5} aria-hidden />
                    {t(text)}
                  </button>
                ))}
              </div>
            </div>
          )
        })}
        {slug === undefined ? null : (
          <Suspense>
            <ModuleList slug={slug} store={store} page={pageName} wanted={wanted.trim().toLowerCase()} grid={grid} onSelect={onSelect} />
          </Suspense>
        )}
        {found.length === 0 ? <p className="muted">{t('No component of this name.')}</p> : null}
      </section>
      <section className="side-section">
        <h2>{t('On this page')}</h2>
        {Object.keys(page?.components ?? {}).length > fewComponents ? (
          <div className="side-search">
            <Search className="icon" size={14} strokeWidth={1.5} aria-hidden />
            <input className="input" type="search" aria-label={t('Find on this page')} placeholder={t('Find on this page')} value={sought} onChange={(event) => setSought(event.target.value)} />
          </div>
        ) : null}
        {page && sought.trim() !== '' ? (
          <Found {...props} shown={page} sought={sought.trim().toLowerCase()} />
        ) : page && Object.keys(page.components ?? {}).length > 0 ? <Branch {...props} shown={page} depth={0} /> : <p className="muted">{t('Nothing yet.')}</p>}
      </section>
    </aside>
  )
}

/** Whether it stands in nothing that is not edited here. */
function isOpen({ components = {}, layout = {} }: Page, name: string): boolean {
  return around(layout, name).slice(1).every((outer) => !componentKinds[components[outer]?.type ?? '']?.isClosed)
}

/** The components whose name or kind has a text, wherever they stand. */
function Found({ shown, sought, selection, onSelect }: Props & { shown: Page; sought: string }) {
  const names = Object.entries(shown.components ?? {}).flatMap(([name, { type }]) => (isOpen(shown, name) && `${name} ${t(componentKinds[type]?.text ?? type)}`.toLowerCase().includes(sought) ? [name] : []))
  if (names.length === 0) return <p className="muted">{t('Nothing here has this name.')}</p>
  return (
    <ul>
      {names.map((name) => (
        <li key={name}>
          <Item name={name} shown={shown} isSelected={selection.includes(name)} onSelect={() => onSelect([name])} />
        </li>
      ))}
    </ul>
  )
}

function Item({ name, shown, isSelected, onSelect }: { name: string; shown: Page; isSelected: boolean; onSelect: (event: MouseEvent) => void }) {
  const Icon = componentKinds[shown.components?.[name]?.type ?? '']?.icon
  return (
    <button type="button" className="side-item" aria-pressed={isSelected} onClick={onSelect}>
      {Icon ? <Icon className="icon" strokeWidth={1.5} aria-hidden /> : null}
      <span className="truncate">{name}</span>
    </button>
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
        const pick = ({ shiftKey }: MouseEvent) => onSelect(!shiftKey ? [name] : selection.includes(name) ? selection.filter((other) => other !== name) : [...selection, name])
        return (
          <li key={name}>
            <Item name={name} shown={shown} isSelected={selection.includes(name)} onSelect={pick} />
            {componentKinds[shown.components?.[name]?.type ?? '']?.isClosed ? null : <Branch {...props} shown={shown} parent={name} depth={depth + 1} />}
          </li>
        )
      })}
    </ul>
  )
}
