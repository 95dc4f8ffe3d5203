/** A day. */
import { asType, textOf } from '../../../runtime/values'
import { InputField, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  const input = useInput<string | null>(props)
  const limit = (property: string) => textOf(asType('date', input.read(property))) || undefined
  return (
    <InputField input={input}>
      <input
        {...input.control}
        className={input.value ? 'input' : 'input is-empty'}
        type="date"
        min={limit('min')}
        max={limit('max')}
        value={input.value ?? ''}
        onChange={(event) => input.set(event.target.value || null)}
        onBlur={input.leave}
      />
    </InputField>
  )
}
