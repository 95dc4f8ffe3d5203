/** A property that may hold `{{ }}`, with its value as it is now below it. */
import { useId } from 'react'
import type { Shown } from '../runtime/runtime'

interface Props {
  label: string
  hint?: string
  value: string
  isLong?: boolean
  /** What the text is worth now; nothing when it holds no binding. */
  shown?: Shown | undefined
  onChange: (value: string) => void
}

const maxPreview = 120

function previewOf(value: unknown): string {
  if (value === undefined) return 'no value yet'
  if (Array.isArray(value)) return `list of ${value.length.toLocaleString('en')}`
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > maxPreview ? `${text.slice(0, maxPreview)}…` : text
}

export function BindingField({ label, hint, value, isLong = false, shown, onChange }: Props) {
  const id = useId()
  const hasBinding = value.includes('{{')
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <textarea id={id} className="input binding-input" rows={isLong ? 2 : 1} spellCheck={false} value={value} aria-describedby={`${id}-below`} onChange={(event) => onChange(event.target.value)} />
      <p id={`${id}-below`} className={hasBinding && shown && 'error' in shown ? 'error' : 'hint'}>
        {hasBinding && shown ? ('error' in shown ? shown.error : `= ${previewOf(shown.value)}`) : hint}
      </p>
    </div>
  )
}
