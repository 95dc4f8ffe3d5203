/** What a module takes, gives and tells of. */
import { Plus, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, ModuleInput, ModulePorts } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { BindingField } from '../BindingField'
import { textIn } from '../logic/text-in'
import { literalOf } from './literal'
import './modules.css'

type InputType = ModuleInput['type']
const types: readonly (readonly [InputType, string])[] = [
  ['any', 'Anything'],
  ['text', 'Text'],
  ['number', 'Number'],
  ['flag', 'Yes or no'],
  ['list', 'List'],
  ['object', 'Object'],
]

/** A map with a key renamed in its place; the map itself where the name cannot be. */
function renamed<Value>(map: Record<string, Value>, from: string, to: string): Record<string, Value> {
  if (to === from || !/^[A-Za-z]\w{0,62}$/.test(to) || to in map) return map
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key === from ? to : key, value]))
}

function without<Value>(map: Record<string, Value>, name: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => key !== name))
}

export function PortsDialog({ store, onClose }: { store: DraftStore<AppDocument>; onClose: () => void }) {
  const { inputs = {}, outputs = {}, events = {} } = useStore(store, ({ document }) => document.module) ?? {}
  const change = (part: Partial<ModulePorts>, key: string) => store.edit((draft) => void (draft.module = { ...draft.module, ...part }), `module ${key}`)
  const free = (base: string, ...maps: object[]) => {
    for (let number = 1; ; number += 1) if (maps.every((map) => !(`${base}${number}` in map))) return `${base}${number}`
  }
  return (
    <Dialog
      title="Inputs, outputs and events"
      isWide
      onClose={onClose}
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <Section title="Inputs" noun="input" hint="Read here as {{ module.name }}. The value is the one it has here, and where an app gives none." onAdd={() => change({ inputs: { ...inputs, [free('input', inputs, outputs)]: { type: 'any' } } }, 'inputs')}>
        {Object.entries(inputs).map(([name, input]) => (
          <Row key={name} name={name} noun="input" onRename={(to) => change({ inputs: renamed(inputs, name, to in outputs ? name : to) }, 'inputs')} onRemove={() => change({ inputs: without(inputs, name) }, 'inputs')}>
            <select className="input" aria-label={`Type of ${name}`} value={input.type} onChange={({ target }) => change({ inputs: { ...inputs, [name]: { ...input, type: target.value as InputType, default: null } } }, `type of ${name}`)}>
              {types.map(([type, text]) => (
                <option key={type} value={type}>
                  {text}
                </option>
              ))}
            </select>
            <BindingField label={`Value of ${name}`} isPlain value={textIn(input.default)} onChange={(text) => change({ inputs: { ...inputs, [name]: { ...input, default: text === '' ? null : literalOf(input.type, text) } } }, `value of ${name}`)} />
          </Row>
        ))}
      </Section>
      <Section title="Outputs" noun="output" hint="What an app reads of it." onAdd={() => change({ outputs: { ...outputs, [free('output', inputs, outputs)]: '' } }, 'outputs')}>
        {Object.entries(outputs).map(([name, text]) => (
          <Row key={name} name={name} noun="output" onRename={(to) => change({ outputs: renamed(outputs, name, to in inputs ? name : to) }, 'outputs')} onRemove={() => change({ outputs: without(outputs, name) }, 'outputs')}>
            <BindingField label={`Value of ${name}`} isPlain value={text} onChange={(next) => change({ outputs: { ...outputs, [name]: next } }, `value of ${name}`)} />
          </Row>
        ))}
      </Section>
      <Section title="Events" noun="event" hint="Raised by an action that controls the component module, or by module.raise('name') in a script." onAdd={() => change({ events: { ...events, [free('event', events)]: '' } }, 'events')}>
        {Object.entries(events).map(([name, meaning]) => (
          <Row key={name} name={name} noun="event" onRename={(to) => change({ events: renamed(events, name, to) }, 'events')} onRemove={() => change({ events: without(events, name) }, 'events')}>
            <input className="input grow" aria-label={`When ${name} happens`} placeholder="When it was saved" maxLength={120} value={meaning} onChange={({ target }) => change({ events: { ...events, [name]: target.value } }, `meaning of ${name}`)} />
          </Row>
        ))}
      </Section>
    </Dialog>
  )
}

function Section({ title, noun, hint, onAdd, children }: { title: string; noun: string; hint: string; onAdd: () => void; children: ReactNode[] }) {
  return (
    <section className="field" aria-label={title}>
      <header className="row">
        <h3 className="grow">{title}</h3>
        <Button size="small" icon={Plus} label={`Add ${noun}`} onClick={onAdd} />
      </header>
      {children}
      <p className="hint">{hint}</p>
    </section>
  )
}

/** A name that can be changed: it counts once the field is left. */
function Row({ name, noun, onRename, onRemove, children }: { name: string; noun: string; onRename: (to: string) => void; onRemove: () => void; children: ReactNode }) {
  const [typed, setTyped] = useState(name)
  const leave = () => {
    onRename(typed.trim())
    setTyped(name)
  }
  return (
    <div className="port-row">
      <input className="input mono" aria-label={`Name of ${noun} ${name}`} spellCheck={false} value={typed} onChange={({ target }) => setTyped(target.value)} onBlur={leave} />
      {children}
      <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${noun} ${name}`} onClick={onRemove} />
    </div>
  )
}
