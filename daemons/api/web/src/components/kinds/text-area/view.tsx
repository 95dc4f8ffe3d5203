/** An input of several lines, as high as its place. */
import { textOf } from '../../../runtime/values'
import { InputField, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  const input = useInput<string>(props)
  return (
    <InputField input={input}>
      <textarea {...input.control} className="input app-area" rows={3} placeholder={textOf(input.read('placeholder'))} value={input.value} onChange={(event) => input.set(event.target.value)} onBlur={input.leave} />
    </InputField>
  )
}
