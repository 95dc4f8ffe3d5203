/** Names with values, in order, where a name may come twice: the parameters of a request. */
import { Plus, Trash2 } from 'lucide-react'
import { Button } from './Button'

export interface Named {
  name: string
  value: string
}

interface Props {
  label: string
  /** What a row is: `parameter`. */
  noun: string
  placeholder?: string | undefined
  value: Named[]
  onChange: (value: Named[]) => void
}

export function NamedField({ label, noun, placeholder, value, onChange }: Props) {
  const edit = (index: number, part: Partial<Named>) => onChange(value.map((old, at) => (at === index ? { ...old, ...part } : old)))
  return (
    <div className="field compact" role="group" aria-label={label}>
      <span className="label">{label}</span>
      <ul className="rows">
        {value.map(({ name, value: text }, index) => (
          <li key={index}>
            <input className="input mono short-name" aria-label={`Name of ${noun} ${index + 1}`} spellCheck={false} value={name} onChange={({ target }) => edit(index, { name: target.value })} />
            <input className="input mono grow" aria-label={`Value of ${noun} ${index + 1}`} placeholder={placeholder} spellCheck={false} value={text} onChange={({ target }) => edit(index, { value: target.value })} />
            <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${noun} ${name || index + 1}`} onClick={() => onChange(value.filter((_, at) => at !== index))} />
          </li>
        ))}
      </ul>
      <div>
        <Button size="small" icon={Plus} onClick={() => onChange([...value, { name: '', value: '' }])}>
          Add {noun}
        </Button>
      </div>
    </div>
  )
}
