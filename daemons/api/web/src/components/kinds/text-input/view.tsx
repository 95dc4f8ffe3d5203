/** An input of one line. */
import { textOf } from '../../../runtime/values'
import { InputField, useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<string>(props)
  return (
    <InputField input={input}>
      <input
        {...input.control}
        className="input"
        type="text"
        autoComplete="off"
        placeholder={textOf(input.read('placeholder'))}
        value={input.value}
        onChange={(event) => input.set(event.target.value)}
        onBlur={input.leave}
        onKeyDown={(event) => {
          if (event.key === 'Enter') void runtime.trigger(props.name, 'submit')
        }}
      />
    </InputField>
  )
}
