/** Actions that follow each other, each with what it depends on. */
import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react'
import type { AppDocument, Step } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { BindingField } from '../BindingField'
import { ActionFields, firstAction } from './ActionFields'

interface Props {
  label: string
  steps: Step[]
  store: DraftStore<AppDocument>
  onChange: (steps: Step[]) => void
}

export function StepsField({ label, steps, store, onChange }: Props) {
  const put = (index: number, step: Step) => onChange(steps.map((other, at) => (at === index ? step : other)))
  return (
    <div className="field" role="group" aria-label={label}>
      <div className="row">
        <span className="label grow">{label}</span>
        <Button variant="ghost" size="small" icon={Plus} label={`Add action ${label.toLowerCase()}`} onClick={() => onChange([...steps, firstAction(store.getState().document)])} />
      </div>
      {steps.map((step, index) => (
        <div key={index} className="handler">
          <ActionFields action={step} store={store} onChange={(action) => put(index, { ...action, ...(step.when ? { when: step.when } : {}) })} />
          <ConditionField when={step.when} onChange={(when) => put(index, { ...step, when })} />
          <OrderButtons index={index} count={steps.length} what="action" onMove={(to) => onChange(moved(steps, index, to))} onRemove={() => onChange(steps.filter((_, at) => at !== index))} />
        </div>
      ))}
    </div>
  )
}

export function ConditionField({ when, onChange }: { when: string | null | undefined; onChange: (when: string | null) => void }) {
  return <BindingField label="Only when" hint="Such as {{ table1.selectedRow }}; always when empty." value={when ?? ''} onChange={(next) => onChange(next === '' ? null : next)} />
}

export function OrderButtons({ index, count, what, onMove, onRemove }: { index: number; count: number; what: string; onMove: (to: number) => void; onRemove: () => void }) {
  return (
    <div className="row">
      <Button variant="ghost" size="small" icon={ArrowUp} label={`Earlier: ${what} ${index + 1}`} disabled={index === 0} onClick={() => onMove(index - 1)} />
      <Button variant="ghost" size="small" icon={ArrowDown} label={`Later: ${what} ${index + 1}`} disabled={index === count - 1} onClick={() => onMove(index + 1)} />
      <span className="grow" />
      <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${what} ${index + 1}`} onClick={onRemove} />
    </div>
  )
}

/** The list with one thing elsewhere in it. */
export function moved<Item>(items: Item[], from: number, to: number): Item[] {
  const others = items.filter((_, index) => index !== from)
  const item = items[from]
  return item === undefined ? items : [...others.slice(0, to), item, ...others.slice(to)]
}
