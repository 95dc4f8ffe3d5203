/** Two days and all between them. */
import { asType, textOf } from '../../../runtime/values'
import { InputGroup, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'

interface Range {
  from: string | null
  to: string | null
}

export function View(props: ViewProps) {
  const input = useInput<Range | null>(props)
  const label = textOf(input.read('label')) || props.name
  const limit = (property: string) => textOf(asType('date', input.read(property))) || undefined
  const range = input.value ?? { from: null, to: null }
  const set = (part: Partial<Range>) => {
    const next = { ...range, ...part }
    input.set(next.from === null && next.to === null ? null : next)
  }
  const field = (key: keyof Range, name: string) => (
    <input
      className={range[key] ? 'input' : 'input is-empty'}
      type="date"
      aria-label={`${label}: ${name}`}
      aria-invalid={input.control['aria-invalid']}
      aria-describedby={input.control['aria-describedby']}
      disabled={input.isDisabled}
      min={(key === 'to' && range.from) || limit('min')}
      max={(key === 'from' && range.to) || limit('max')}
      value={range[key] ?? ''}
      onChange={(event) => set({ [key]: event.target.value || null })}
      onBlur={(event) => {
        if (!event.currentTarget.parentElement?.contains(event.relatedTarget)) input.leave()
      }}
    />
  )
  return (
    <InputGroup input={input}>
      <div className="app-range">
        {field('from', 'first day')}
        <span className="muted" aria-hidden>
          –
        </span>
        {field('to', 'last day')}
      </div>
    </InputGroup>
  )
}
