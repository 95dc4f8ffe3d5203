/** Where a component stands: on which grid, and where on it. */
import { useStore } from 'zustand'
import type { AppDocument, Page } from '../api/types'
import { optionsOf } from '../components/choice/options'
import type { DraftStore } from '../document/draft-store'
import { moduleOf } from '../document/module-names'
import { stateOf } from '../runtime/kinds'
import { textOf } from '../runtime/values'
import { SelectField, TextField } from '../ui/Field'
import { phoneLayoutOf } from '../runtime/phone-layout'
import { useDevice } from './canvas-view'
import { componentKinds } from './component-kinds'
import { moveComponents, namesWithin, setClass } from './edits'
import { clamp, freeSpot } from './layout'

/** The grids that a component can stand on: the page's, and those of containers that do not stand in it. */
function gridsFor(page: Page, name: string, isOwn: (name: string) => boolean): { text: string; parent?: string; slot?: string }[] {
  const within = new Set([name, ...namesWithin(page.layout ?? {}, name)])
  const grids: { text: string; parent?: string; slot?: string }[] = [{ text: 'The page' }]
  for (const [parent, component] of Object.entries(page.components ?? {})) {
    const kind = componentKinds[component.type]
    if (within.has(parent) || kind?.group !== 'Containers' || kind.isClosed || !isOwn(parent)) continue
    const slots = component.properties?.[component.type]
    const options = component.type === 'tabs' || component.type === 'steps' ? optionsOf((property) => (property === 'options' ? slots : undefined)) : []
    if (options.length === 0) grids.push({ text: parent, parent })
    for (const option of options) grids.push({ text: `${parent}: ${option.label}`, parent, slot: textOf(option.value) })
  }
  return grids
}

export function PlaceFields({ name, store, page: pageName }: { name: string; store: DraftStore<AppDocument>; page: string }) {
  const whole = useStore(store, (state) => state.document.pages[pageName])
  const device = useDevice()
  const page = whole && device === 'phone' ? { ...whole, layout: phoneLayoutOf(whole) } : whole
  const rect = page?.layout?.[name]
  if (!page || !rect) return null
  const own = page.components?.[name]
  // What stands in a module is the module's own affair.
  const grids = gridsFor(page, name, (other) => moduleOf(store.getState().document, other) === undefined)
  const isOn = ({ parent, slot }: { parent?: string; slot?: string }) => (rect.parent ?? undefined) === parent && (rect.slot ?? undefined) === slot
  const found = grids.findIndex(isOn)
  // Without a slot it stands in the first of several.
  const at = found >= 0 ? found : grids.findIndex(({ parent }) => parent === (rect.parent ?? undefined))
  const moveTo = (index: number) => {
    const grid = grids[index]
    if (!grid) return
    const { parent, slot } = grid
    const target = { ...(parent ? { parent } : {}), ...(slot ? { slot } : {}) }
    store.edit((draft) => moveComponents(draft, pageName, { [name]: { ...freeSpot(page.layout ?? {}, { width: rect.width, height: rect.height }, target), ...target } }))
  }
  const field = (key: 'column' | 'row' | 'width' | 'height', label: string) => (
    <TextField
      label={label}
      type="number"
      min={0}
      value={rect[key]}
      onChange={(event) => {
        const number = event.target.valueAsNumber
        if (!Number.isNaN(number)) store.edit((draft) => moveComponents(draft, pageName, { [name]: clamp({ ...rect, [key]: number }) }, device), `${name} ${key}`)
      }}
    />
  )
  return (
    <section className="inspector-section">
      <h3>{device === 'phone' ? 'Layout on a phone' : 'Layout'}</h3>
      {grids.length > 1 && device === 'desktop' ? <SelectField label="Stands on" options={grids.map(({ text }, index) => [String(index), text] as const)} value={String(at)} onChange={(event) => moveTo(Number(event.target.value))} /> : null}
      <div className="place-grid">
        {field('column', 'Column')}
        {field('row', 'Row')}
        {field('width', 'Width')}
        {field('height', 'Height')}
      </div>
      {/* What lies over the page stands in no cell. */}
      {stateOf(own?.type ?? '').isOverlay ? null : (
        <TextField
          label="Class"
          className="mono"
          hint="Names by which the app's style sheet finds it: urgent is .urgent there."
          value={own?.class ?? ''}
          onChange={({ target }) => store.edit((draft) => setClass(draft, pageName, name, target.value), `${name} class`)}
        />
      )}
    </section>
  )
}
