/** A list of values with labels that is written down, or an expression that gives one. */
import { Plus, Trash2 } from 'lucide-react'
import type { Shown } from '../runtime/runtime'
import { optionsOf } from '../components/choice/options'
import { jsonOf, textOf } from '../runtime/values'
import { Button } from '../ui/Button'
import { BindingField } from './BindingField'

interface Props {
  label: string
  hint?: string
  value: unknown
  shown: Shown | undefined
  onChange: (value: unknown) => void
}

interface Row {
  value: string
  label: string
}

function rowsOf(value: unknown): Row[] | undefined {
  const given = jsonOf(value)
  if (given === undefined || given === '') return []
  if (!Array.isArray(given)) return undefined
  const rows = given.map((item: unknown) => (typeof item === 'object' && item !== null && 'value' in item ? { value: String(item.value), label: String('label' in item ? item.label : item.value) } : { value: String(item), label: String(item) }))
  // What is no text must not become one by being looked at.
  return given.every((item: unknown) => typeof item === 'string' || (typeof item === 'object' && item !== null && 'value' in item && typeof item.value === 'string')) ? rows : undefined
}

/** What the expression gives now, as a list that is written down. */
function written(shown: Shown | undefined): Row[] {
  const value = shown && 'value' in shown ? shown.value : undefined
  return optionsOf((property) => (property === 'options' ? value : undefined)).slice(0, 50).map((option) => ({ value: textOf(option.value), label: option.label }))
}

export function OptionsField({ label, hint, value, shown, onChange }: Props) {
  const rows = rowsOf(value)
  if (!rows) {
    return (
      <div className="flag-field">
        <BindingField label={label} {...(hint ? { hint } : {})} value={typeof value === 'string' ? value : JSON.stringify(value)} shown={shown} onChange={onChange} />
        <Button variant="ghost" size="small" onClick={() => onChange(written(shown))}>
          Write them down
        </Button>
      </div>
    )
  }
  const change = (index: number, part: Partial<Row>) => onChange(rows.map((row, at) => (at === index ? { ...row, ...part } : row)))
  const free = () => {
    for (let number = rows.length + 1; ; number += 1) if (!rows.some((row) => row.value === `option${number}`)) return number
  }
  return (
    <div className="field" role="group" aria-label={label}>
      <span className="label">{label}</span>
      {rows.map((row, index) => (
        <div key={index} className="option-row">
          <input className="input mono" aria-label={`Value ${index + 1} of ${label}`} placeholder="value" value={row.value} onChange={(event) => change(index, { value: event.target.value })} />
          <input className="input" aria-label={`Label ${index + 1} of ${label}`} placeholder="Label" value={row.label} onChange={(event) => change(index, { label: event.target.value })} />
          <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${row.label || row.value}`} onClick={() => onChange(rows.filter((_, at) => at !== index))} />
        </div>
      ))}
      <div className="row">
        <Button size="small" icon={Plus} onClick={() => onChange([...rows, { value: `option${free()}`, label: `Option ${free()}` }])}>
          Add
        </Button>
        <Button size="small" variant="ghost" onClick={() => onChange('{{ [] }}')}>
          By an expression
        </Button>
      </div>
    </div>
  )
}
