/** Values by name: arguments of a query, parameters of a page. */
import { Plus, Trash2 } from 'lucide-react'
import { Button } from '../../ui/Button'
import { BindingField } from '../BindingField'
import { textIn } from './text-in'

interface Props {
  label: string
  hint?: string
  values: Record<string, unknown>
  onChange: (values: Record<string, unknown>) => void
}

export function ArgumentsField({ label, hint, values, onChange }: Props) {
  const entries = Object.entries(values)
  const free = () => {
    for (let number = entries.length + 1; ; number += 1) if (!(`value${number}` in values)) return `value${number}`
  }
  const rename = (from: string, to: string) => {
    // A name that is taken would take the other value along.
    if (/^[A-Za-z]\w*$/.test(to) && !(to in values)) onChange(Object.fromEntries(entries.map(([name, value]) => [name === from ? to : name, value])))
  }
  return (
    <div className="field" role="group" aria-label={label}>
      <div className="row">
        <span className="label grow">{label}</span>
        <Button variant="ghost" size="small" icon={Plus} label={`Add to ${label.toLowerCase()}`} onClick={() => onChange({ ...values, [free()]: '' })} />
      </div>
      {entries.map(([name, value], index) => (
        <div key={index} className="argument-row">
          <input className="input mono" aria-label={`Name ${index + 1}`} defaultValue={name} onBlur={({ target }) => rename(name, target.value.trim())} />
          <BindingField label={name} isPlain value={textIn(value)} onChange={(next) => onChange({ ...values, [name]: next })} />
          <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${name}`} onClick={() => onChange(Object.fromEntries(entries.filter(([other]) => other !== name)))} />
        </div>
      ))}
      {hint && entries.length > 0 ? <p className="hint">{hint}</p> : null}
    </div>
  )
}
