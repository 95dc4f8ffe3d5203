/** A JSON document as text, which says where it is none. */
import { useEffect, useState } from 'react'
import { textOf } from '../../../runtime/values'
import { CodeEditor } from '../../../ui/CodeEditor'
import type { EditorFault } from '../../../ui/code-mirror'
import { InputGroup, useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'

const written = (value: unknown) => (value === null || value === undefined ? '' : JSON.stringify(value, null, 2))

/** What a text means; where it is no JSON. */
function meant(text: string): { value: unknown } | { fault: EditorFault } {
  if (text.trim() === '') return { value: null }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const position = /position (\d+)/.exec(message)?.[1]
    return { fault: { message, position: position === undefined ? text.length : Number(position) + 1 } }
  }
}

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<unknown>(props)
  /** What is typed, and the value under it: when that is changed from elsewhere, the typed text is of the past. */
  const [typed, setTyped] = useState<{ text: string; under: string }>()
  const isTyped = typed !== undefined && typed.under === written(input.value)
  const text = isTyped ? typed.text : written(input.value)
  const read = meant(text)
  const take = (next: string) => {
    const found = meant(next)
    const isValid = 'value' in found
    setTyped({ text: next, under: written(isValid ? found.value : input.value) })
    runtime.setComponent(props.name, { text: next, isValid })
    if (isValid) input.set(found.value)
  }
  useEffect(() => {
    if (typed !== undefined && !isTyped) runtime.setComponent(props.name, { text, isValid: true })
  }, [typed, isTyped, text, props.name, runtime])
  return (
    <InputGroup input={input}>
      <div className={input.problem === undefined && 'value' in read ? 'app-code' : 'app-code is-invalid'} inert={input.isDisabled} aria-disabled={input.isDisabled || undefined} onBlur={input.leave}>
        <CodeEditor label={textOf(input.read('label')) || props.name} language="json" value={text} onChange={take} faults={'fault' in read ? [read.fault] : []} />
      </div>
      {'fault' in read && input.problem === undefined ? (
        <p className="error" role="alert">
          This is no JSON yet: {read.fault.message}
        </p>
      ) : null}
    </InputGroup>
  )
}
