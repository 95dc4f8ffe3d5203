/** Texts by a name, as rows. A row without a name counts for nothing, and is kept while it is typed. */
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from './Button'

interface Props {
  label: string
  /** What a row is: `header`. */
  noun: string
  value: Record<string, string>
  onChange: (value: Record<string, string>) => void
  placeholders: readonly [name: string, value: string]
  /** The id of a list of names to choose from. */
  names?: string
}

type Row = [name: string, value: string]
const mapOf = (rows: Row[]) => Object.fromEntries(rows.filter(([name]) => name !== ''))
const textOf = (map: Record<string, string>) => JSON.stringify(Object.entries(map).sort())

export function PairsField({ label, noun, value, onChange, placeholders, names }: Props) {
  const [typed, setTyped] = useState<Row[]>([])
  const rows = textOf(mapOf(typed)) === textOf(value) ? typed : Object.entries(value)
  const set = (next: Row[]) => {
    setTyped(next)
    onChange(mapOf(next))
  }
  const edit = (index: number, row: Row) => set(rows.map((old, at) => (at === index ? row : old)))
  return (
    <div className="field compact" role="group" aria-label={label}>
      <span className="label">{label}</span>
      <ul className="rows">
        {rows.map(([name, text], index) => (
          <li key={index}>
            <input className="input mono short-name" aria-label={`Name of ${noun} ${index + 1}`} placeholder={placeholders[0]} spellCheck={false} list={names} value={name} onChange={({ target }) => edit(index, [target.value, text])} />
            <input className="input mono grow" aria-label={`Value of ${noun} ${index + 1}`} placeholder={placeholders[1]} spellCheck={false} value={text} onChange={({ target }) => edit(index, [name, target.value])} />
            <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${noun} ${name || index + 1}`} onClick={() => set(rows.filter((_, at) => at !== index))} />
          </li>
        ))}
      </ul>
      <div>
        <Button size="small" icon={Plus} onClick={() => setTyped([...rows, ['', '']])}>
          Add {noun}
        </Button>
      </div>
    </div>
  )
}
