/** A text that may hold `{{ }}`: names are completed while it is written, and its value as it is now stands below it. */
import { Suspense, lazy, useId, useRef, useState } from 'react'
import type { Shown } from '../runtime/runtime'

const BindingAssist = lazy(() => import('./assist/BindingAssist').then((module) => ({ default: module.BindingAssist })))

interface Props {
  label: string
  hint?: string
  value: string
  isLong?: boolean
  /** Whether the label is for assistive technology only. */
  isPlain?: boolean
  /** What the text is worth now; it is found out while it is written where nobody says. */
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

export function BindingField({ label, hint, value, isLong = false, isPlain = false, shown: known, onChange }: Props) {
  const id = useId()
  const field = useRef<HTMLTextAreaElement>(null)
  const [hasFocus, setFocus] = useState(false)
  const [found, setFound] = useState<Shown>()
  const hasBinding = value.includes('{{')
  const shown = known ?? (hasFocus ? found : undefined)
  return (
    <div className="field">
      {isPlain ? null : (
        <label className="label" htmlFor={id}>
          {label}
        </label>
      )}
      <textarea
        ref={field}
        id={id}
        className="input binding-input"
        rows={isLong ? 2 : 1}
        spellCheck={false}
        value={value}
        aria-label={isPlain ? label : undefined}
        aria-describedby={`${id}-below`}
        onChange={(event) => onChange(event.target.value)}
        onFocus={() => setFocus(true)}
        onBlur={() => setFocus(false)}
      />
      {hasFocus ? (
        <Suspense>
          <BindingAssist field={field} value={value} isPreviewed={known === undefined} onFound={setFound} onChange={onChange} />
        </Suspense>
      ) : null}
      <p id={`${id}-below`} className={hasBinding && shown && 'error' in shown ? 'error' : 'hint'}>
        {hasBinding && shown ? ('error' in shown ? shown.error : `= ${previewOf(shown.value)}`) : hint}
      </p>
    </div>
  )
}
