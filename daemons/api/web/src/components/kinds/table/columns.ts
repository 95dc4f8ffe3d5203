/** The columns of a table: what a document declares, made whole from the data. */
import { type Option, optionsOf } from '../../choice/options'
import { titleOf } from '../../../ui/grid-columns'
import { jsonOf, numberOf, textOf } from '../../../runtime/values'

export const columnTypes = ['text', 'number', 'currency', 'percent', 'date', 'datetime', 'boolean', 'tag', 'link', 'image', 'json', 'button'] as const
export type ColumnType = (typeof columnTypes)[number]
export type Side = 'left' | 'right'
export const summaries = ['sum', 'average', 'min', 'max', 'count'] as const
export type Summary = (typeof summaries)[number]

export interface Column {
  key: string
  label: string
  type: ColumnType
  align: Side | 'center'
  /** In pixels; as wide as the content asks for when absent. */
  width: number | undefined
  pin: Side | undefined
  isHidden: boolean
  isEditable: boolean
  /** Its times have no zone: they are the same on each clock. */
  isZoneless: boolean
  summary: Summary | undefined
  currency: string
  decimals: number | null
  /** On a button, or for a link. */
  text: string
  /** Colours of tags, by value. */
  tones: Record<string, string>
  /** What an edited cell may hold. */
  options: Option[]
}

const sampleRows = 60
const numeric: ReadonlySet<string> = new Set(['number', 'currency', 'percent'])

export function isNumericType(type: ColumnType): boolean {
  return numeric.has(type)
}

function isOneOf<T extends string>(list: readonly T[], value: unknown): value is T {
  return (list as readonly unknown[]).includes(value)
}

/** Columns from the `columns` property, or from the data itself. */
export function columnsOf(declared: unknown, rows: Record<string, unknown>[]): Column[] {
  const given = jsonOf(declared)
  const list: unknown[] = Array.isArray(given) && given.length > 0 ? given : Object.keys(rows[0] ?? {})
  const seen = new Set<string>()
  return list.flatMap((item) => {
    const column = columnOf(item, rows)
    if (!column || seen.has(column.key)) return []
    seen.add(column.key)
    return [column]
  })
}

function columnOf(item: unknown, rows: Record<string, unknown>[]): Column | undefined {
  const given = typeof item === 'string' ? { key: item } : item
  if (typeof given !== 'object' || given === null || !('key' in given) || typeof given.key !== 'string' || given.key === '') return undefined
  const read = given as Record<string, unknown>
  const { key } = given
  const type = isOneOf(columnTypes, read.format) ? read.format : guessedType(rows, key)
  const { align, pin, summary, tones } = read
  const width = numberOf(read.width)
  return {
    key,
    label: textOf(read.label) || titleOf(key),
    type,
    align: align === 'left' || align === 'right' || align === 'center' ? align : isNumericType(type) ? 'right' : type === 'boolean' ? 'center' : 'left',
    width: width === null ? undefined : boundedWidth(width),
    pin: pin === 'left' || pin === 'right' ? pin : undefined,
    isHidden: read.hidden === true,
    isEditable: read.editable === true && type !== 'button',
    isZoneless: type === 'datetime' && rows.slice(0, sampleRows).some((row) => isZoneless(row[key])),
    summary: isOneOf(summaries, summary) ? summary : undefined,
    currency: textOf(read.currency),
    decimals: numberOf(read.decimals),
    text: textOf(read.text),
    tones: typeof tones === 'object' && tones !== null && !Array.isArray(tones) ? Object.fromEntries(Object.entries(tones).map(([value, tone]) => [value, textOf(tone)])) : {},
    options: optionsOf((property) => (property === 'options' ? read.options : undefined)),
  }
}

export function boundedWidth(width: number): number {
  return Math.round(Math.min(900, Math.max(48, width)))
}

/** A day and a time of day, as databases write those that are of no zone. */
export function isZoneless(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(value)
}

/** What a column of this data is when nobody says so. */
function guessedType(rows: Record<string, unknown>[], key: string): ColumnType {
  const values = rows.slice(0, sampleRows).map((row) => row[key]).filter((value) => value !== null && value !== undefined)
  if (values.length === 0) return 'text'
  if (values.every(isNumber)) return 'number'
  if (values.every((value) => typeof value === 'boolean')) return 'boolean'
  if (values.every((value) => typeof value === 'object')) return 'json'
  return 'text'
}

function isNumber(value: unknown): boolean {
  // Decimals come as texts, since a JavaScript number would round them.
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+\.\d+$/.test(value))
}

/** What a person has done to the columns. */
export interface ColumnView {
  order: string[]
  hidden: Record<string, boolean>
  pins: Record<string, Side | 'none'>
  widths: Record<string, number>
}

export const untouched: ColumnView = { order: [], hidden: {}, pins: {}, widths: {} }

/** The columns as they show: those at the left edge first, those at the right edge last. */
export function arrangedColumns(columns: Column[], view: ColumnView): Column[] {
  const at = (column: Column) => {
    const place = view.order.indexOf(column.key)
    return place < 0 ? columns.indexOf(column) : place
  }
  const seen = columns
    .map((column): Column => {
      const pin = view.pins[column.key]
      return { ...column, isHidden: view.hidden[column.key] ?? column.isHidden, pin: pin === undefined ? column.pin : pin === 'none' ? undefined : pin, width: view.widths[column.key] ?? column.width }
    })
    .filter((column) => !column.isHidden)
  const inOrder = seen.toSorted((a, b) => at(a) - at(b) || 0)
  const side = (column: Column) => (column.pin === 'left' ? 0 : column.pin === 'right' ? 2 : 1)
  return inOrder.toSorted((a, b) => side(a) - side(b))
}

/** The order after a column was moved to the place of another one. */
export function movedOrder(columns: Column[], key: string, target: string): string[] {
  const keys = columns.map((column) => column.key)
  const [from, to] = [keys.indexOf(key), keys.indexOf(target)]
  if (from < 0 || to < 0) return keys
  keys.splice(from, 1)
  keys.splice(to, 0, key)
  return keys
}
