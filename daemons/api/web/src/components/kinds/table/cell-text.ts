/** What stands in a cell, as text. */
import { valueLocale } from '../../../messages/messages'
import { flagOf, numberOf, textOf } from '../../../runtime/values'
import type { Column } from './columns'

const formats = new Map<string, Intl.NumberFormat>()

/** Making one takes far longer than using it. */
function numberFormat({ type, currency, decimals }: Column): Intl.NumberFormat {
  const key = `${type} ${currency} ${decimals}`
  const known = formats.get(key)
  if (known) return known
  const digits = decimals === null ? {} : { minimumFractionDigits: clampedDigits(decimals), maximumFractionDigits: clampedDigits(decimals) }
  const style: Intl.NumberFormatOptions =
    type === 'percent'
      ? { style: 'percent', maximumFractionDigits: 1, ...digits }
      : type === 'currency'
        ? /^[A-Za-z]{3}$/.test(currency)
          ? { style: 'currency', currency, ...digits }
          : { minimumFractionDigits: 2, maximumFractionDigits: 2, ...digits }
        : { maximumFractionDigits: 12, ...digits }
  const made = new Intl.NumberFormat(valueLocale, style)
  formats.set(key, made)
  return made
}

function clampedDigits(decimals: number): number {
  return Math.max(0, Math.min(12, Math.round(decimals)))
}

const day = new Intl.DateTimeFormat(valueLocale, { dateStyle: 'medium' })
/** A day has no zone: it is the same one wherever it is read. */
const plainDay = new Intl.DateTimeFormat(valueLocale, { dateStyle: 'medium', timeZone: 'UTC' })
const moment = new Intl.DateTimeFormat(valueLocale, { dateStyle: 'medium', timeStyle: 'short' })

export function cellText(value: unknown, column: Column): string {
  if (column.type === 'button') return column.text || textOf(value) || column.label
  if (value === null || value === undefined) return ''
  switch (column.type) {
    case 'number':
    case 'currency':
    case 'percent': {
      const number = numberOf(value)
      // Digits that a JavaScript number cannot hold are shown as they came.
      if (number === null || (typeof value === 'string' && !Number.isSafeInteger(Math.trunc(number)))) return textOf(value)
      return numberFormat(column).format(number)
    }
    case 'date':
    case 'datetime': {
      const text = textOf(value)
      const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text)
      const at = new Date(typeof value === 'number' ? value : text)
      if (Number.isNaN(at.getTime())) return text
      return column.type === 'date' ? (isDay ? plainDay : day).format(at) : moment.format(at)
    }
    case 'boolean':
      return flagOf(value) ? 'Yes' : 'No'
    case 'tag':
      return tagsOf(value).join(', ')
    case 'link':
      return column.text || textOf(value)
    default:
      return typeof value === 'boolean' ? (value ? 'Yes' : 'No') : textOf(value)
  }
}

/** A list, or one word. */
export function tagsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean)
  const text = textOf(value)
  return text === '' ? [] : [text]
}

const [pixelsPerCharacter, padding, sampleRows] = [7.4, 30, 60]
const [least, most] = [72, 320]

/** How wide a column's content asks to be, in pixels. */
export function contentWidth(column: Column, rows: Record<string, unknown>[]): number {
  if (column.type === 'image') return least
  const longest = rows.slice(0, sampleRows).reduce((length, row) => Math.max(length, cellText(row[column.key], column).length), column.label.length + 2)
  const extra = column.type === 'tag' || column.type === 'button' ? 18 : 0
  return Math.round(Math.min(most, Math.max(least, longest * pixelsPerCharacter + padding + extra)))
}
