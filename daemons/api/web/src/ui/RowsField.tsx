/** Texts as rows, in order: the words of a command. */
import { Plus, Trash2 } from 'lucide-react'
import { Button } from './Button'

interface Props {
  label: string
  /** What a row is: `argument`. */
  noun: string
  hint?: string | undefined
  placeholder?: string | undefined
  value: string[]
  onChange: (value: string[]) => void
}

export function RowsField({ label, noun, hint, placeholder, value, onChange }: Props) {
  return (
    <div className="field compact" role="group" aria-label={label}>
      <span className="label">{label}</span>
      <ul className="rows">
        {value.map((text, index) => (
          <li key={index}>
            <input className="input mono grow" aria-label={`${label}, ${noun} ${index + 1}`} placeholder={placeholder} spellCheck={false} value={text} onChange={({ target }) => onChange(value.map((old, at) => (at === index ? target.value : old)))} />
            <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${noun} ${index + 1}`} onClick={() => onChange(value.filter((_, at) => at !== index))} />
          </li>
        ))}
      </ul>
      {hint ? <p className="hint">{hint}</p> : null}
      <div>
        <Button size="small" icon={Plus} onClick={() => onChange([...value, ''])}>
          Add {noun}
        </Button>
      </div>
    </div>
  )
}
