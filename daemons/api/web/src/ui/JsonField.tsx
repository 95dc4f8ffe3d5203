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
  const [typed, setTyped] = useState<string>()
  const meant = typed === undefined ? undefined : read(typed)
  // The typed text is shown for as long as it is broken or means the value.
  const isTyped = meant !== undefined && ('fault' in meant || textOf(meant.value) === textOf(value))
  return (
    <TextAreaField
      {...rest}
      rows={6}
      className="mono"
      error={isTyped && 'fault' in meant ? meant.fault : undefined}
      value={isTyped ? typed : textOf(value)}
      onChange={({ target }) => {
        setTyped(target.value)
        const next = read(target.value)
        if ('value' in next) onChange(next.value)
      }}
    />
  )
}
