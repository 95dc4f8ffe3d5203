/** A JSON document as text. What is typed stays as typed; it counts when it is JSON. */
import { useState } from 'react'
import { TextAreaField } from './Field'

interface Props {
  label: string
  hint?: string | undefined
  placeholder?: string | undefined
  value: unknown
  onChange: (value: unknown) => void
}

const textOf = (value: unknown) => (value === undefined || value === null ? '' : JSON.stringify(value, null, 2))

/** The document that a text is; `undefined` in `value` for an empty one. */
function read(text: string): { value: unknown } | { fault: string } {
  if (text.trim() === '') return { value: undefined }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { fault: `This is no JSON yet: ${error instanceof Error ? error.message : String(error)}. Put bindings in quotes: "{{ id }}" keeps the value's type.` }
  }
}

export function JsonField({ value, onChange, ...rest }: Props) {
  /** What is typed, and the value under it: when that is changed from elsewhere, the typed text is of the past. */
  const [typed, setTyped] = useState<{ text: string; under: string }>()
  const isTyped = typed !== undefined && typed.under === textOf(value)
  const meant = isTyped ? read(typed.text) : undefined
  return (
    <TextAreaField
      {...rest}
      rows={6}
      className="mono"
      error={meant && 'fault' in meant ? meant.fault : undefined}
      value={isTyped ? typed.text : textOf(value)}
      onChange={({ target }) => {
        const next = read(target.value)
        setTyped({ text: target.value, under: textOf('value' in next ? next.value : value) })
        if ('value' in next) onChange(next.value)
      }}
    />
  )
}
