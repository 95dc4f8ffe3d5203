/** The right panel: the selected component's name, properties, events and place. */
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, Component, GridRect } from '../api/types'
import { useRuntimeState } from '../components/runtime-context'
import type { DraftStore } from '../document/draft-store'
import { Button } from '../ui/Button'
import { SelectField, TextField } from '../ui/Field'
import { BindingField } from './BindingField'
import { ColumnsField } from './ColumnsField'
import { EventsEditor } from './EventsEditor'
import { type PropertySpec, componentKinds } from './component-kinds'
import { moveComponents, nameProblem, removeComponents, renameEverywhere, setProperty } from './edits'
import { clamp } from './layout'

interface Props {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  onSelect: (names: string[]) => void
}

export function Inspector({ store, page, selection, onSelect }: Props) {
  const name = selection[0]
  const component = useStore(store, (state) => (name === undefined ? undefined : state.document.pages[page]?.components?.[name]))
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
          <h2 className="grow">{kind.text}</h2>
          <Button variant="ghost" size="small" icon={Trash2} label="Delete component" onClick={onRemove} />
        </header>
        <NameField key={name} name={name} store={store} onRenamed={(renamed) => onSelect([renamed])} />
        <p className="hint muted">
          Expressions see <code>{name}</code>: {kind.exposes}.
        </p>
      </section>
      <section className="inspector-section">
        <h3>Properties</h3>
        {kind.properties.map((spec) => (
          <PropertyField key={spec.key} spec={spec} name={name} component={component} store={store} page={page} />
        ))}
      </section>
      {kind.events.length > 0 ? (
        <section className="inspector-section">
          <EventsEditor name={name} component={component} kinds={kind.events} store={store} page={page} />
        </section>
      ) : null}
      <PlaceFields name={name} store={store} page={page} />
    </>
  )
}

/** A name that can be changed; everything that refers to it follows. */
export function NameField({ name, store, onRenamed }: { name: string; store: DraftStore<AppDocument>; onRenamed: (name: string) => void }) {
  const [typed, setTyped] = useState(name)
  const [error, setError] = useState<string>()
  const rename = async () => {
    if (typed === name) return
    const problem = nameProblem(store.getState().document, typed)
    if (problem) return setError(problem)
    const { renameInTemplate } = await import('../document/rename')
    store.edit((draft) => renameEverywhere(draft, name, typed, (text) => renameInTemplate(text, name, typed)))
    onRenamed(typed)
  }
  return (
    <TextField
      label="Name"
      className="mono"
      error={error}
      value={typed}
      onChange={(event) => {
        setTyped(event.target.value)
        setError(undefined)
      }}
      onBlur={() => void rename()}
      onKeyDown={(event) => {
        if (event.key === 'Enter') void rename()
      }}
    />
  )
}

function PropertyField({ spec, name, component, store, page }: { spec: PropertySpec; name: string; component: Component; store: DraftStore<AppDocument>; page: string }) {
  const value = component.properties?.[spec.key]
  const shown = useRuntimeState((state) => state.shown[`${name}.${spec.key}`])
  const set = (next: unknown) => store.edit((draft) => setProperty(draft, page, name, spec.key, next), `${name}.${spec.key}`)
  switch (spec.input.kind) {
    case 'text':
      return <BindingField label={spec.label} {...(spec.hint ? { hint: spec.hint } : {})} isLong={spec.input.isLong ?? false} value={typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)} shown={shown} onChange={set} />
    case 'choice':
      return <SelectField label={spec.label} options={spec.input.options} value={typeof value === 'string' ? value : (spec.input.options[0]?.[0] ?? '')} onChange={(event) => set(event.target.value)} />
    case 'columns':
      return <ColumnsField name={name} value={value} onChange={set} />
  }
}

function PlaceFields({ name, store, page }: { name: string; store: DraftStore<AppDocument>; page: string }) {
  const rect = useStore(store, (state) => state.document.pages[page]?.layout?.[name])
  if (!rect) return null
  const field = (key: keyof GridRect, label: string) => (
    <TextField
      label={label}
      type="number"
      min={0}
      value={rect[key]}
      onChange={(event) => {
        const number = event.target.valueAsNumber
        if (!Number.isNaN(number)) store.edit((draft) => moveComponents(draft, page, { [name]: clamp({ ...rect, [key]: number }) }), `${name} ${key}`)
      }}
    />
  )
  return (
    <section className="inspector-section">
      <h3>Layout</h3>
      <div className="place-grid">
        {field('column', 'Column')}
        {field('row', 'Row')}
        {field('width', 'Width')}
        {field('height', 'Height')}
      </div>
    </section>
  )
}
