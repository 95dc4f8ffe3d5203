/** An input of one line of text: what kinds of such inputs share. */
import type { HTMLInputTypeAttribute, InputHTMLAttributes, ReactNode } from 'react'
import { textOf } from '../runtime/values'
import { InputField, useInput } from './input'
import { type ViewProps, useRuntime } from './runtime-context'

interface Props {
  props: ViewProps
  type?: HTMLInputTypeAttribute
  inputMode?: InputHTMLAttributes<HTMLInputElement>['inputMode']
  autoComplete?: string
  /** What stands behind the text. */
  after?: ReactNode
  /** What becomes of the text when the field is left. */
  tidy?: (text: string) => string
}

export function TextLine({ props, type = 'text', inputMode, autoComplete = 'off', after, tidy }: Props) {
  const runtime = useRuntime()
  const input = useInput<string>(props)
  const finish = () => {
    const tidied = tidy?.(input.value) ?? input.value
    if (tidied !== input.value) input.set(tidied)
  }
  const field = (
    <input
      {...input.control}
      className="input"
      type={type}
      inputMode={inputMode}
      autoComplete={autoComplete}
      autoCapitalize="off"
      spellCheck={false}
      placeholder={textOf(input.read('placeholder'))}
      value={input.value}
      onChange={(event) => input.set(event.target.value)}
      onBlur={() => {
        finish()
        input.leave()
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter') return
        finish()
        void runtime.trigger(props.name, 'submit')
      }}
    />
  )
  return (
    <InputField input={input}>
      {after ? (
        <div className={input.problem === undefined ? 'app-affixed' : 'app-affixed is-invalid'} aria-disabled={input.isDisabled || undefined}>
          {field}
          {after}
        </div>
      ) : (
        field
      )}
    </InputField>
  )
}
