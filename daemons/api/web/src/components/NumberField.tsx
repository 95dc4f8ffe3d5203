/** A field for a number, written and read in the way of the browser's language. Arrows step, within the limits. */
import { useState } from 'react'
import { numberOf, textOf } from '../runtime/values'
import { valueLocale } from '../messages/messages'
import { type Input, InputField } from './input'
import { numberText, parseNumber, rounded, stepBy } from './kinds/number-input/number-text'

interface Props {
  input: Input<number | null>
  /** As many as were typed when there is no number. */
  decimals: number | null
  isGrouped: boolean
  step: number
  before: string
  after: string
  onEnter: () => void
}

export function NumberField({ input, decimals, isGrouped, step, before, after, onEnter }: Props) {
  /** What is being typed: it is not rewritten under the cursor. */
  const [typed, setTyped] = useState<string>()
  const take = (number: number | null) => {
    const next = number === null ? null : rounded(number, decimals)
    if (next !== input.value) input.set(next)
  }
  return (
    <InputField input={input}>
      <div className={input.problem === undefined ? 'app-affixed' : 'app-affixed is-invalid'} aria-disabled={input.isDisabled || undefined}>
        {before ? <span className="affix">{before}</span> : null}
        <input
          {...input.control}
          className="input numeric"
          type="text"
          inputMode="decimal"
          autoComplete="off"
          placeholder={textOf(input.read('placeholder'))}
          value={typed ?? numberText(input.value, { decimals, isGrouped }, valueLocale)}
          onChange={(event) => {
            setTyped(event.target.value)
            take(parseNumber(event.target.value, valueLocale))
          }}
          onBlur={() => {
            setTyped(undefined)
            input.leave()
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onEnter()
            if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
            event.preventDefault()
            take(stepBy(input.value, event.key === 'ArrowUp' ? step : -step, [numberOf(input.read('min')), numberOf(input.read('max'))]))
            setTyped(undefined)
          }}
        />
        {after ? <span className="affix">{after}</span> : null}
      </div>
    </InputField>
  )
}
