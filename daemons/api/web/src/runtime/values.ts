/** What inputs hold: their types, and how any value becomes one. The page and the evaluator's worker agree by it. */

export type ValueType = 'text' | 'number' | 'flag' | 'date' | 'datetime' | 'choice' | 'list' | 'file' | 'time' | 'range' | 'json'

/** The value as one of the type; a value that is none of it becomes the empty one. */
export function asType(type: ValueType, value: unknown): unknown {
  switch (type) {
    case 'text':
      return textOf(value)
    case 'number':
      return numberOf(value)
    case 'flag':
      return flagOf(value)
    case 'date':
      return dateOf(value)
    case 'datetime':
      return instantOf(value)
    case 'choice':
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
    case 'list':
      if (Array.isArray(value)) return value
      return value === undefined || value === null || value === '' ? [] : [value]
    case 'time':
      return timeOf(value)
    case 'range':
      return rangeOf(value)
    case 'json':
      return value === undefined || value === '' ? null : jsonOf(value)
    case 'file':
      // Only a person can choose a file.
      return null
  }
}

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

export function numberOf(value: unknown): number | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value)
  return Number.isFinite(number) ? number : null
}

/** A flag; the words that forms and databases use for no are no. */
export function flagOf(value: unknown): boolean {
  return typeof value === 'string' ? !/^(|0|f|false|n|no|off)$/i.test(value.trim()) : Boolean(value)
}

/** `2026-11-30`, of a date, an instant, or a text that begins with one. */
function dateOf(value: unknown): string | null {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString().slice(0, 10)
  const text = /^\d{4}-\d{2}-\d{2}(?=$|[T ])/.exec(textOf(value).trim())?.[0]
  // A day that no month has becomes another one.
  const at = new Date(`${text}T00:00Z`)
  return text && !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === text ? text : null
}

/** `09:30`, of a time of day or a text that begins with one. */
function timeOf(value: unknown): string | null {
  return /^([01]\d|2[0-3]):[0-5]\d(?=$|:)/.exec(textOf(value).trim())?.[0] ?? null
}

/** Two days, of which one may be missing yet. */
function rangeOf(value: unknown): { from: string | null; to: string | null } | null {
  const given = jsonOf(value)
  if (typeof given !== 'object' || given === null) return null
  const { from, to } = given as { from?: unknown; to?: unknown }
  const range = { from: dateOf(from), to: dateOf(to) }
  return range.from === null && range.to === null ? null : range
}

/** An instant in UTC, `2026-11-30T09:30:00.000Z`. A text without a zone is of this browser's. */
function instantOf(value: unknown): string | null {
  if (value === null || value === undefined || typeof value === 'boolean' || value === '') return null
  const at = new Date(value instanceof Date || typeof value === 'number' ? value : textOf(value))
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}

/** A list or object that was written down as JSON; anything else as it is. */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}
