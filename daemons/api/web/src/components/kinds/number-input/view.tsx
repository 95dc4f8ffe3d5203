/** A number, written and read in the way of the browser's language. */
import { useState } from 'react'
import { flagOf, numberOf, textOf } from '../../../runtime/values'
import { InputField, useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'
import { numberText, parseNumber, rounded, stepBy } from './number-text'

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<number | null>(props)
  /** What is being typed: it is not rewritten under the cursor. */
  const [typed, setTyped] = useState<string>()
  const given = numberOf(input.read('decimals'))
  const decimals = given === null ? null : Math.max(0, Math.min(12, Math.round(given)))
  const isGrouped = flagOf(input.read('thousands') ?? true)
  const [prefix, suffix] = [textOf(input.read('prefix')), textOf(input.read('suffix'))]
  const limits: [number | null, number | null] = [numberOf(input.read('min')), numberOf(input.read('max'))]
  const take = (number: number | null) => {
    const next = number === null ? null : rounded(number, decimals)
    if (next !== input.value) input.set(next)
  }
  const step = (direction: number) => {
    const next = stepBy(input.value, direction * (numberOf(input.read('step')) ?? 1), limits)
    take(next)
    setTyped(undefined)
  }
  return (
    <InputField input={input}>
      <div className={input.problem === undefined ? 'app-affixed' : 'app-affixed is-invalid'} aria-disabled={input.isDisabled || undefined}>
        {prefix ? <span className="affix">{prefix}</span> : null}
        <input
          {...input.control}
          className="input numeric"
          type="text"
          inputMode="decimal"
          autoComplete="off"
          placeholder={textOf(input.read('placeholder'))}
          value={typed ?? numberText(input.value, { decimals, isGrouped }, navigator.language)}
          onChange={(event) => {
            setTyped(event.target.value)
            take(parseNumber(event.target.value, navigator.language))
          }}
          onBlur={() => {
            setTyped(undefined)
            input.leave()
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') void runtime.trigger(props.name, 'submit')
            if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return
            event.preventDefault()
            step(event.key === 'ArrowUp' ? 1 : -1)
          }}
        />
        {suffix ? <span className="affix">{suffix}</span> : null}
      </div>
    </InputField>
  )
}
