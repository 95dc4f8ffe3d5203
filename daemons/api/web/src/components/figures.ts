/** Figures as an app shows them. */
import { valueLocale } from '../messages/messages'
import { numberOf, textOf } from '../runtime/values'

export interface FigureStyle {
  format: string
  /** A currency's code, such as `EUR`. */
  currency: string
  decimals: number | null
}

export function figureText(value: unknown, { format, currency, decimals }: FigureStyle, locale: string = valueLocale): string {
  const number = numberOf(value)
  if (number === null) return textOf(value)
  const digits = decimals === null ? {} : { minimumFractionDigits: Math.max(0, Math.min(12, decimals)), maximumFractionDigits: Math.max(0, Math.min(12, decimals)) }
  switch (format) {
    case 'currency':
      return number.toLocaleString(locale, /^[A-Za-z]{3}$/.test(currency) ? { style: 'currency', currency, ...digits } : { minimumFractionDigits: 2, maximumFractionDigits: 2, ...digits })
    case 'percent':
      return number.toLocaleString(locale, { style: 'percent', maximumFractionDigits: 1, ...digits })
    case 'compact':
      return number.toLocaleString(locale, { notation: 'compact', maximumFractionDigits: 1, ...digits })
    case 'number':
      return number.toLocaleString(locale, digits)
    default:
      return typeof value === 'number' ? value.toLocaleString(locale, digits) : textOf(value)
  }
}

export const figureOptions = [
  ['number', 'Number'],
  ['currency', 'Currency'],
  ['percent', 'Percent'],
  ['compact', 'Compact, such as 1.2M'],
  ['text', 'As it is'],
] as const
