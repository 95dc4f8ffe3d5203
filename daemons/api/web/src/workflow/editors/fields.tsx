/** Fields that the editors of several kinds share. */
import { type ReactNode, useState } from 'react'
import { CodeEditor } from '../../ui/CodeEditor'
import { SelectField, TextAreaField, TextField } from '../../ui/Field'
import { PairsField } from '../../ui/PairsField'
import type { EditorFault } from '../../ui/code-mirror'
import { parseJson } from '../../document/json-text'

interface ExpressionProps {
  label: string
  value: string
  onChange: (value: string) => void
  hint?: ReactNode
  faults?: EditorFault[]
  placeholderText?: string
}

export function ExpressionField({ label, value, onChange, hint, faults = [], placeholderText = '' }: ExpressionProps) {
  return (
    <div className="field">
      <span className="label">{label}</span>
      <CodeEditor label={label} language="javascript" isShort value={value} onChange={onChange} faults={faults} placeholderText={placeholderText} />
      {hint ? <p className="hint">{hint}</p> : null}
    </div>
  )
}

/** A number that may be left out. */
export function OptionalNumber({ label, value, onChange, hint, error, placeholder, min = 1 }: { label: string; value: number | null | undefined; onChange: (value: number | null) => void; hint?: string; error?: string | undefined; placeholder?: string; min?: number }) {
  return (
    <TextField
      label={label}
      type="number"
      min={min}
      hint={hint}
      error={error}
      placeholder={placeholder}
      value={value ?? ''}
      onChange={({ target }) => onChange(Number.isNaN(target.valueAsNumber) ? null : target.valueAsNumber)}
    />
  )
}

const unitSeconds = { Days: 86_400, Hours: 3600, Minutes: 60, Seconds: 1 }
type Unit = keyof typeof unitSeconds

interface SecondsProps {
  label: string
  /** Those to choose from; the first is that of an empty field. */
  units: readonly Unit[]
  seconds: number | undefined
  onChange: (seconds: number | null) => void
  hint?: string
  error?: string | undefined
  placeholder?: string
  min?: number
}

/** A time that the document has in seconds, in a unit that people use for it. */
export function SecondsField({ label, units, seconds, onChange, hint, error, placeholder, min = 1 }: SecondsProps) {
  const [unit, setUnit] = useState(() => units.find((one) => seconds === undefined || seconds % unitSeconds[one] === 0) ?? units[units.length - 1] ?? 'Seconds')
  const size = unitSeconds[unit]
  return (
    <div className="form-grid">
      <TextField
        label={label}
        type="number"
        min={min}
        hint={hint}
        error={error}
        placeholder={placeholder}
        value={seconds === undefined ? '' : seconds / size}
        onChange={({ target }) => onChange(Number.isNaN(target.valueAsNumber) ? null : Math.round(target.valueAsNumber * size))}
      />
      <SelectField
        label="Unit"
        value={unit}
        options={units.map((one) => [one, one] as const)}
        onChange={({ target }) => {
          const next = target.value as Unit
          if (seconds !== undefined) onChange(Math.round((seconds / size) * unitSeconds[next]))
          setUnit(next)
        }}
      />
    </div>
  )
}

interface JsonProps {
  label: string
  value: unknown
  onChange: (value: unknown) => void
  hint?: string
  error?: string | undefined
  /** Of so many lines; of one line when absent. Nothing in it is null. */
  rows?: number
}

/** A value as JSON. What is typed is kept while it is none; the document has the last value that was. */
export function JsonField({ label, value, onChange, hint, error, rows }: JsonProps) {
  const textOfValue = () => (rows && value == null ? '' : JSON.stringify(value ?? null, null, rows ? 2 : undefined))
  const [typed, setTyped] = useState(textOfValue)
  const parsed = parseJson(typed)
  const isOld = 'value' in parsed && JSON.stringify(parsed.value) !== JSON.stringify(value ?? null)
  const field = {
    label,
    hint,
    className: 'mono',
    error: 'error' in parsed ? parsed.error : error,
    value: isOld ? textOfValue() : typed,
    onChange: ({ target }: { target: { value: string } }) => {
      setTyped(target.value)
      const next = parseJson(target.value)
      if ('value' in next) onChange(next.value)
    },
  }
  return rows ? <TextAreaField {...field} rows={rows} /> : <TextField {...field} />
}

const wordsOf = (text: string) => text.split(/[\s,]+/).filter(Boolean)

/** Words with commas between them. What is typed stays as typed for as long as it means the value. */
export function WordsField({ label, value, onChange, hint, placeholder }: { label: string; value: string[]; onChange: (value: string[]) => void; hint: string; placeholder: string }) {
  const [typed, setTyped] = useState('')
  const shown = wordsOf(typed).join() === value.join() ? typed : value.join(', ')
  return (
    <TextField
      label={label}
      className="mono"
      hint={hint}
      placeholder={placeholder}
      value={shown}
      onChange={({ target }) => {
        setTyped(target.value)
        onChange(wordsOf(target.value))
      }}
    />
  )
}

export function HeadersField({ value, onChange }: { value: Record<string, string>; onChange: (value: Record<string, string>) => void }) {
  return <PairsField label="Headers" noun="header" placeholders={['Accept', 'text, {{ value }}']} value={value} onChange={onChange} />
}
