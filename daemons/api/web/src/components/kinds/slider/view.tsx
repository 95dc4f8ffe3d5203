/** A number by its place between two others. */
import { valueLocale } from '../../../messages/messages'
import { numberOf, textOf } from '../../../runtime/values'
import { InputField, useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<number | null>(props)
  const least = numberOf(input.read('min')) ?? 0
  const most = Math.max(least, numberOf(input.read('max')) ?? 100)
  const step = numberOf(input.read('step')) ?? 1
  const value = Math.min(most, Math.max(least, input.value ?? least))
  const text = `${value.toLocaleString(valueLocale)}${textOf(input.read('suffix')) ? ` ${textOf(input.read('suffix'))}` : ''}`
  const done = () => void runtime.trigger(props.name, 'change')
  return (
    <InputField input={input}>
      <div className="app-slider">
        <input
          {...input.control}
          type="range"
          min={least}
          max={most}
          step={step > 0 ? step : 1}
          value={value}
          aria-valuetext={text}
          aria-required={undefined}
          onChange={(event) => runtime.setComponent(props.name, { value: Number(event.target.value) })}
          onPointerUp={done}
          onKeyUp={(event) => {
            if (/^(Arrow|Page|Home|End)/.test(event.key)) done()
          }}
          onBlur={input.leave}
        />
        <output className="app-slider-value">{text}</output>
      </div>
    </InputField>
  )
}
