/** A number, written and read in the way of the browser's language. */
import { flagOf, numberOf, textOf } from '../../../runtime/values'
import { NumberField } from '../../NumberField'
import { useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<number | null>(props)
  const given = numberOf(input.read('decimals'))
  return (
    <NumberField
      input={input}
      decimals={given === null ? null : Math.max(0, Math.min(12, Math.round(given)))}
      isGrouped={flagOf(input.read('thousands') ?? true)}
      step={numberOf(input.read('step')) ?? 1}
      before={textOf(input.read('prefix'))}
      after={textOf(input.read('suffix'))}
      onEnter={() => void runtime.trigger(props.name, 'submit')}
    />
  )
}
