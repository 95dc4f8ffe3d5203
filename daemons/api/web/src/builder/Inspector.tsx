/** The right panel: the selected component's name, properties, events and place. */
import { Trash2 } from 'lucide-react'
import { Suspense, lazy } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, Component } from '../api/types'
import { useRuntimeState } from '../components/runtime-context'
import type { DraftStore } from '../document/draft-store'
import { stateOf } from '../runtime/kinds'
import { Button } from '../ui/Button'
import { SelectField } from '../ui/Field'
import { BindingField } from './BindingField'
import { CodeField } from './CodeField'
import type { PropertySpec } from '../components/spec'
import { FlagField } from './FlagField'
import { OptionsField } from './OptionsField'
import { PlaceFields } from './PlaceFields'
import { RenameField } from './RenameField'
import { componentKinds, hidden } from './component-kinds'
import { nameProblem, removeComponents, setEvents, setProperty, setSlots } from './edits'

const EventsEditor = lazy(() => import('./EventsEditor').then((module) => ({ default: module.EventsEditor })))
const PageSettings = lazy(() => import('./PageSettings').then((module) => ({ default: module.PageSettings })))

const ModuleFields = lazy(async () => ({ default: (await import('./modules/ModuleFields')).ModuleFields }))

/** Of tables alone, so not of the first that is loaded. */
const ColumnsField = lazy(async () => ({ default: (await import('./ColumnsField')).ColumnsField }))

interface Props {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  onSelect: (names: string[]) => void
}

export function Inspector({ store, page, selection, onSelect }: Props) {
  const name = selection[0]
  const component = useStore(store, (state) => (name === undefined ? undefined : state.document.pages[page]?.components?.[name]))
  const isModule = useStore(store, (state) => Boolean(state.document.module))
  const remove = () => {
    store.edit((draft) => removeComponents(draft, page, selection))
    onSelect([])
  }
  return (
    <aside className="inspector compact" aria-label="Inspector">
      {selection.length > 1 ? (
        <section className="inspector-section">
          <p>{selection.length} components are selected. Arrows move them, Shift with arrows resizes.</p>
          <Button variant="danger" icon={Trash2} onClick={remove}>
            Delete them
          </Button>
        </section>
      ) : name !== undefined && component ? (
        <Selected name={name} component={component} store={store} page={page} onSelect={onSelect} onRemove={remove} />
      ) : (
        <section className="inspector-section">
          <h2>Nothing selected</h2>
          <p className="muted">Select a component to change it. Arrows move it, Shift with arrows resizes it, Delete removes it, Ctrl-D makes a copy, Ctrl-Z takes everything back.</p>
          <Suspense>{isModule ? null : <PageSettings key={page} name={page} store={store} />}</Suspense>
        </section>
      )}
    </aside>
  )
}

function Selected({ name, component, store, page, onSelect, onRemove }: { name: string; component: Component; store: DraftStore<AppDocument>; page: string; onSelect: (names: string[]) => void; onRemove: () => void }) {
  const kind = componentKinds[component.type]
  return (
    <>
      <section className="inspector-section">
        <header className="row">
          <h2 className="grow">{kind?.text ?? 'Unknown component'}</h2>
          <Button variant="ghost" size="small" icon={Trash2} label="Delete component" onClick={onRemove} />
        </header>
        <NameField key={name} name={name} store={store} onRenamed={(renamed) => onSelect([renamed])} />
        <p className="hint muted">
          {kind ? (
            <>
              Expressions see <code>{name}</code>: {kind.exposes}.
            </>
          ) : (
            <>
              This version does not know the kind <code>{component.type}</code>. It is kept and saved as it is; it can be moved, renamed and removed.
            </>
          )}
        </p>
      </section>
      {component.type === 'module' ? (
        <Suspense>
          <ModuleFields name={name} component={component} store={store} page={page} />
        </Suspense>
      ) : kind ? (
        <section className="inspector-section">
          <h3>Properties</h3>
          {[...kind.properties, ...(stateOf(component.type).isOverlay ? [] : [hidden])].map((spec) => (
            <PropertyField key={`${name}.${spec.key}`} spec={spec} name={name} component={component} store={store} page={page} />
          ))}
        </section>
      ) : null}
      {kind && kind.events.length > 0 ? (
        <section className="inspector-section">
          <Suspense>
            <EventsEditor handlers={component.events ?? []} kinds={kind.events} store={store} onChange={(events, key) => store.edit((draft) => setEvents(draft, page, name, events), key && `${name} ${key}`)} />
          </Suspense>
        </section>
      ) : null}
      <PlaceFields name={name} store={store} page={page} />
    </>
  )
}

/** A name that can be changed; everything that refers to it follows. */
export function NameField({ name, store, onRenamed }: { name: string; store: DraftStore<AppDocument>; onRenamed: (name: string) => void }) {
  const rename = async (to: string) => {
    const { renameEverywhere } = await import('../document/rename-everywhere')
    store.edit((draft) => renameEverywhere(draft, name, to))
    onRenamed(to)
  }
  return <RenameField name={name} problemOf={(to) => nameProblem(store.getState().document, to)} onRename={rename} />
}

function PropertyField({ spec, name, component, store, page }: { spec: PropertySpec; name: string; component: Component; store: DraftStore<AppDocument>; page: string }) {
  const value = component.properties?.[spec.key]
  const shown = useRuntimeState((state) => state.shown[`${name}.${spec.key}`])
  // The tabs and steps of a component are grids that others stand on.
  const put = spec.key === component.type ? setSlots : setProperty
  const set = (next: unknown) => store.edit((draft) => put(draft, page, name, spec.key, next), `${name}.${spec.key}`)
  switch (spec.input.kind) {
    case 'text':
      return <BindingField label={spec.label} {...(spec.hint ? { hint: spec.hint } : {})} isLong={spec.input.isLong ?? false} value={typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)} shown={shown} onChange={set} />
    case 'choice':
      return <SelectField label={spec.label} options={spec.input.options} value={typeof value === 'string' ? value : (spec.input.options[0]?.[0] ?? '')} onChange={(event) => set(event.target.value)} />
    case 'flag':
      return <FlagField label={spec.label} {...(spec.hint ? { hint: spec.hint } : {})} isOn={spec.input.isOn ?? false} value={value} shown={shown} onChange={set} />
    case 'options':
      return <OptionsField label={spec.label} {...(spec.hint ? { hint: spec.hint } : {})} value={value} shown={shown} onChange={set} />
    case 'code':
      return <CodeField label={spec.label} {...(spec.hint ? { hint: spec.hint } : {})} language={spec.input.language} value={typeof value === 'string' ? value : ''} onChange={set} />
    case 'columns':
      return (
        <Suspense fallback={null}>
          <ColumnsField name={name} value={value} onChange={set} />
        </Suspense>
      )
  }
}
