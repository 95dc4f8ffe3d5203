/** What a component does on its events. */
import { Plus, Trash2 } from 'lucide-react'
import type { AppDocument, Component, EventHandler } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { Button } from '../ui/Button'
import { SelectField } from '../ui/Field'
import { ActionFields, firstAction } from './ActionFields'

interface Props {
  name: string
  component: Component
  kinds: readonly (readonly [string, string])[]
  store: DraftStore<AppDocument>
  page: string
}

export function EventsEditor({ name, component, kinds, store, page }: Props) {
  const handlers = component.events ?? []
  const set = (events: EventHandler[], key?: string) =>
    store.edit((draft) => {
      const target = draft.pages[page]?.components?.[name]
      if (target) target.events = events
    }, key)
  const change = (index: number, part: Partial<EventHandler>) => set(handlers.map((handler, at) => (at === index ? { ...handler, ...part } : handler)), `${name} event ${index}`)
  return (
    <>
      <header className="row">
        <h3 className="grow">Events</h3>
        <Button size="small" icon={Plus} onClick={() => set([...handlers, { on: kinds[0]?.[0] ?? 'click', action: firstAction(store.getState().document) }])}>
          Add
        </Button>
      </header>
      {handlers.length === 0 ? <p className="hint muted">Nothing happens yet.</p> : null}
      {handlers.map((handler, index) => (
        <div key={index} className="handler">
          <div className="row">
            <div className="grow">
              <SelectField label="When" options={kinds} value={handler.on} onChange={(event) => change(index, { on: event.target.value })} />
            </div>
            <Button className="align-end" variant="ghost" size="small" icon={Trash2} label="Remove handler" onClick={() => set(handlers.filter((_, at) => at !== index))} />
          </div>
          <ActionFields action={handler.action} store={store} onChange={(action) => change(index, { action })} />
        </div>
      ))}
    </>
  )
}
