/** An amount of money, written and read in the way of the browser's language. */
import { valueLocale } from '../../../messages/messages'
import { textOf } from '../../../runtime/values'
import { NumberField } from '../../NumberField'
import { useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'

/** How a currency is written here: its sign, on which side, and its decimals. */
function styleOf(currency: string): { sign: string; isBefore: boolean; decimals: number } {
  if (!/^[A-Za-z]{3}$/.test(currency)) return { sign: currency, isBefore: false, decimals: 2 }
  const format = new Intl.NumberFormat(valueLocale, { style: 'currency', currency })
  const parts = format.formatToParts(1)
  const at = parts.findIndex((part) => part.type === 'currency')
  return { sign: parts[at]?.value ?? currency, isBefore: at === 0, decimals: format.resolvedOptions().maximumFractionDigits ?? 2 }
}

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<number | null>(props)
  const { sign, isBefore, decimals } = styleOf(textOf(input.read('currency')) || 'EUR')
  return <NumberField input={input} decimals={decimals} isGrouped step={1} before={isBefore ? sign : ''} after={isBefore ? '' : sign} onEnter={() => void runtime.trigger(props.name, 'submit')} />
}
