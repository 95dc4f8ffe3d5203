/** A day or a time of day, in the browser's own field for it. */
import { asType, textOf } from '../runtime/values'
import { InputField, useInput } from './input'
import type { ViewProps } from './runtime-context'

export function DayField({ props, type }: { props: ViewProps; type: 'date' | 'time' }) {
  const input = useInput<string | null>(props)
  const limit = (property: string) => textOf(asType(type, input.read(property))) || undefined
  return (
    <InputField input={input}>
      <input
        {...input.control}
        className={input.value ? 'input' : 'input is-empty'}
        type={type}
        min={limit('min')}
        max={limit('max')}
        value={input.value ?? ''}
        onChange={(event) => input.set(event.target.value || null)}
        onBlur={input.leave}
      />
    </InputField>
  )
}
