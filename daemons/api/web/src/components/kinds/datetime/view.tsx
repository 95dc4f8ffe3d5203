/** A day and a time of day, by the clocks of this browser; its value is the instant. */
import { asType } from '../../../runtime/values'
import { InputField, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'
import { localText } from './local-time'

export function View(props: ViewProps) {
  const input = useInput<string | null>(props)
  const limit = (property: string) => localText(asType('datetime', input.read(property))) || undefined
  return (
    <InputField input={input}>
      <input
        {...input.control}
        className={input.value ? 'input' : 'input is-empty'}
        type="datetime-local"
        min={limit('min')}
        max={limit('max')}
        value={localText(input.value)}
        onChange={(event) => input.set(asType('datetime', event.target.value) as string | null)}
        onBlur={input.leave}
      />
    </InputField>
  )
}
