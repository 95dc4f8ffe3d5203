/** A setting that is on or off. */
import { textOf } from '../../../runtime/values'
import { Below, RequiredMark, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  const input = useInput<boolean>(props)
  return (
    <div className="field app-field">
      <label className="check app-check">
        <input {...input.control} className="app-switch" type="checkbox" role="switch" checked={input.value} onChange={(event) => input.set(event.target.checked)} onBlur={input.leave} />
        <span>
          {textOf(input.read('label'))}
          {input.isRequired ? <RequiredMark /> : null}
        </span>
      </label>
      <Below input={input} />
    </div>
  )
}
