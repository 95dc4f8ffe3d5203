/** What stands in the field of a cell that is edited, and the value that it means. */
import { asType, flagOf, textOf } from '../../../runtime/values'
import { t, valueLocale } from '../../../messages/messages'
import { localText } from '../datetime/local-time'
import { digitsText, parseDigits } from '../number-input/number-text'
import { type Column, isNumericType, isZoneless } from './columns'

export function written(value: unknown, { type }: Column): string {
  if (type === 'json') return value === null || value === undefined ? '' : JSON.stringify(value)
  if (type === 'date') return textOf(asType('date', value))
  if (type === 'datetime') return localText(asType('datetime', value))
  if (isNumericType(type)) return typeof value === 'number' ? value.toLocaleString(valueLocale, { useGrouping: false, maximumFractionDigits: 12 }) : digitsText(textOf(value))
  return textOf(value)
}

/** The value that a text means; a sentence when it means none. */
export function meant(text: string, before: unknown, column: Column): { value: unknown } | { problem: string } {
  const { type } = column
  if (text.trim() === '') return { value: type === 'text' || type === 'link' ? (before === null || before === undefined ? null : '') : null }
  if (isNumericType(type)) {
    const digits = parseDigits(text)
    if (digits === null) return { problem: t('Write a number.') }
    // A decimal that came as text goes as text, with all its digits.
    return { value: typeof before === 'string' ? digits : Number(digits) }
  }
  // Where the column's times have no zone, they are what the clock on the wall says: no zone is added to them.
  if (type === 'datetime') return { value: column.isZoneless || isZoneless(before) ? (/T\d\d:\d\d$/.test(text) ? `${text}:00` : text) : asType('datetime', text) }
  if (type === 'json') {
    try {
      return { value: JSON.parse(text) as unknown }
    } catch {
      return { problem: t('Write JSON.') }
    }
  }
  return { value: text }
}

/** The other one of a flag, as the database writes flags: MySQL and SQLite have numbers for them. */
export function toggled(value: unknown): unknown {
  return typeof value === 'number' ? Number(!flagOf(value)) : !flagOf(value)
}
