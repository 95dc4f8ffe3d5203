/** Numbers as people of a locale write them. */
import { valueLocale } from '../../../messages/messages'

interface Separators {
  group: string
  decimal: string
}

function separatorsOf(locale: string): Separators {
  const parts = new Intl.NumberFormat(locale).formatToParts(1234567.8)
  const of = (type: string, otherwise: string) => parts.find((part) => part.type === type)?.value ?? otherwise
  return { group: of('group', ','), decimal: of('decimal', '.') }
}

/** A number that was typed; nothing when it is none. */
export function parseNumber(typed: string, locale: string = valueLocale): number | null {
  const digits = parseDigits(typed, locale)
  return digits === null ? null : Number(digits)
}

/** The same, as digits with a point: also of a number that JavaScript's cannot hold. */
export function parseDigits(typed: string, locale: string = valueLocale): string | null {
  const { group, decimal } = separatorsOf(locale)
  let text = typed.replace(/[\s'’]/g, '').replace(/^[−–]/, '-')
  if (decimal === ',' && !text.includes(',') && !/^-?\d{1,3}(\.\d{3})+$/.test(text)) {
    // A point that cannot divide thousands is what the keyboard had for a comma.
    return plain(text)
  }
  text = text.replaceAll(group, '').replace(decimal, '.')
  return plain(text)
}

function plain(text: string): string | null {
  return /^-?(\d+\.?\d*|\.\d+)$/.test(text) ? text : null
}

/** Digits with a point, as a locale writes them. */
export function digitsText(digits: string, locale: string = valueLocale): string {
  return digits.replace('.', separatorsOf(locale).decimal)
}

/** A number for the field: with as many decimals as asked for, and with separators of thousands where wanted. */
export function numberText(value: number | null, { decimals, isGrouped }: { decimals: number | null; isGrouped: boolean }, locale: string = valueLocale): string {
  if (value === null) return ''
  const digits = decimals === null ? { maximumFractionDigits: 12 } : { minimumFractionDigits: decimals, maximumFractionDigits: decimals }
  return value.toLocaleString(locale, { useGrouping: isGrouped, ...digits })
}

export function rounded(value: number, decimals: number | null): number {
  return decimals === null ? value : Number(value.toFixed(decimals))
}

/** One step up or down, kept within the limits and free of the noise of binary fractions. */
export function stepBy(value: number | null, step: number, [least, most]: [number | null, number | null]): number {
  const next = Number(((value ?? 0) + step).toPrecision(14))
  return Math.min(most ?? Number.POSITIVE_INFINITY, Math.max(least ?? Number.NEGATIVE_INFINITY, next))
}
