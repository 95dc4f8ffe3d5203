/** A number of stars. */
import { Star } from 'lucide-react'
import { numberOf } from '../../../runtime/values'
import { InputGroup, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  const input = useInput<number | null>(props)
  const count = Math.max(1, Math.min(10, Math.round(numberOf(input.read('max')) ?? 5)))
  const value = input.value ?? 0
  return (
    <InputGroup input={input} role="radiogroup">
      <div className="app-rating">
        {Array.from({ length: count }, (_, index) => {
          const stars = index + 1
          return (
            <label key={stars} className={stars <= value ? 'app-star is-on' : 'app-star'}>
              <input
                type="radio"
                className="visually-hidden"
                name={input.id}
                aria-label={stars === 1 ? '1 star' : `${stars} stars`}
                disabled={input.isDisabled}
                checked={value === stars}
                onChange={() => input.set(stars)}
                onClick={() => {
                  if (value === stars && !input.isRequired) input.set(null)
                }}
                onBlur={input.leave}
              />
              <Star className="icon" size={22} strokeWidth={1.5} aria-hidden />
            </label>
          )
        })}
      </div>
    </InputGroup>
  )
}
