/** What a component or a page does on its events, in which order, and what that depends on. */
import { Plus } from 'lucide-react'
import type { AppDocument, EventHandler } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { Button } from '../ui/Button'
import { SelectField } from '../ui/Field'
import { ActionFields, NumberField, firstAction } from './logic/ActionFields'
import { ConditionField, OrderButtons, moved } from './logic/StepsField'

interface Props {
  handlers: EventHandler[]
  kinds: readonly (readonly [string, string])[]
  store: DraftStore<AppDocument>
  /** With the same key, changes that follow each other at once are one step of undo. */
  onChange: (handlers: EventHandler[], key?: string) => void
}

export function EventsEditor({ handlers, kinds, store, onChange }: Props) {
  const change = (index: number, part: Partial<EventHandler>) => onChange(handlers.map((handler, at) => (at === index ? { ...handler, ...part } : handler)), `event ${index}`)
  const first = kinds[0]?.[0] ?? 'click'
  return (
    <>
      <header className="row">
        <h3 className="grow">Events</h3>
        <Button size="small" icon={Plus} onClick={() => onChange([...handlers, { on: first, action: firstAction(store.getState().document) }])}>
          Add
        </Button>
      </header>
      {handlers.length === 0 ? <p className="hint muted">Nothing happens yet.</p> : null}
      {handlers.map((handler, index) => (
        <div key={index} className="handler">
          <SelectField label="When" options={kinds} value={handler.on} onChange={(event) => change(index, { on: event.target.value })} />
          <ActionFields action={handler.action} store={store} onChange={(action) => change(index, { action })} />
          <details open={Boolean(handler.when || handler['debounce-ms'] || handler['throttle-ms'])}>
            <summary>Conditions</summary>
            <ConditionField when={handler.when} onChange={(when) => change(index, { when })} />
            <NumberField label="Once it has settled for (ms)" placeholder="at once" value={handler['debounce-ms']} onChange={(ms) => change(index, { 'debounce-ms': ms })} />
            <NumberField label="At most once in (ms)" placeholder="each time" value={handler['throttle-ms']} onChange={(ms) => change(index, { 'throttle-ms': ms })} />
          </details>
          <OrderButtons index={index} count={handlers.length} what="handler" onMove={(to) => onChange(moved(handlers, index, to))} onRemove={() => onChange(handlers.filter((_, at) => at !== index))} />
        </div>
      ))}
    </>
  )
}
