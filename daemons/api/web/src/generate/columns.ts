/** Which input fits a column, by what its database calls the type. */
import type { Component } from '../api/types'
import type { Dialect } from './dialect'

export interface TableColumn {
  name: string
  type: string
}

export interface Table {
  schema: string
  name: string
  columns: TableColumn[]
  key?: string[]
  required?: string[]
  defaulted?: string[]
  filled?: string[]
}

type Properties = NonNullable<Component['properties']>

export interface ColumnInput {
  kind: string
  properties: Properties
  width: number
  height: number
  /** The expression of the column's value, by those of the input's and of the row's present one. */
  value: (input: string, before: string | undefined) => string
  /** The expression that the input starts from, by that of the row's value. */
  start: (row: string) => string
}

const asIs = (input: string) => input
const orNull = (input: string) => `${input} || null`
const half = { width: 12, height: 2 }
const wide = { width: 24, height: 4 }
const longNames = /(description|notes?|comments?|body|message|remarks?|text|summary|content)$/i
const longVarchar = 200

/** The input for a column; nothing for a type that has none, such as bytes. */
export function inputFor(column: TableColumn, isRequired: boolean, dialect: Dialect): ColumnInput | undefined {
  const type = column.type.toLowerCase().replace(/^(nullable|lowcardinality)\((.*)\)$/, '$2')
  const input = (kind: string, properties: Properties, rest: Partial<ColumnInput> = {}): ColumnInput => ({ kind, properties, ...half, value: asIs, start: asIs, ...rest })
  if (/\[\]$|^(bytea|blob|.*blob|binary|varbinary|tsvector|array|map|tuple|nested|geometry|point|polygon|box|line|circle|xml)\b/.test(type)) return undefined
  const choices = /^enum\((.*)\)$/i.exec(column.type)?.[1]
  if (choices !== undefined) {
    const options = [...choices.matchAll(/'((?:[^']|'')*)'/g)].map(([, text = '']) => ({ value: text.replaceAll("''", "'"), label: text.replaceAll("''", "'") }))
    return input('select', { options })
  }
  if (/^(bool|boolean|tinyint\(1\)|bit\(1\))$/.test(type)) {
    const isNumber = /^(tinyint|bit)/.test(type)
    if (isRequired) return input('switch', {}, { height: 1, value: (at) => (isNumber ? `${at} ? 1 : 0` : at) })
    const [yes, no] = isNumber ? [1, 0] : [true, false]
    return input('select', { options: [{ value: yes, label: 'Yes' }, { value: no, label: 'No' }] })
  }
  if (type.startsWith('json')) {
    return input('text-area', {}, { ...wide, value: (at) => (dialect.hasJsonValues ? `${at} ? JSON.parse(${at}) : null` : `${at} || null`), start: (row) => `typeof ${row} === 'string' ? ${row} : JSON.stringify(${row} ?? null, null, 2)` })
  }
  if (type === 'date') return input('date', {})
  if (/^(timestamptz|timestamp(\(\d\))? with time zone)/.test(type)) {
    // A browser's times end at milliseconds: what nobody changed is written as it came.
    return input('datetime', {}, { value: (at, before) => (before === undefined ? at : `${before} && Date.parse(${before}) === Date.parse(${at}) ? ${before} : ${at}`) })
  }
  // Without a zone a browser's own would be mixed in: it is written as the text that the database shows.
  if (/^(timestamp|datetime)/.test(type)) return input('text-input', { placeholder: '2026-11-30 09:30:00' }, { value: orNull })
  if (type.startsWith('time')) return input('text-input', { placeholder: '09:30' }, { value: orNull })
  if (/^(smallint|integer|int|int[248]|tinyint|mediumint|serial|year|u?int(8|16|32))\b/.test(type)) return input('number-input', { decimals: '0', thousands: false })
  if (/^(real|double|float)/.test(type)) return input('number-input', {})
  const decimal = /^(?:numeric|decimal|money)(?:\((\d+)(?:, ?(\d+))?\))?$/.exec(type)
  // More digits than a JavaScript number has would be rounded.
  if (decimal?.[1] !== undefined && Number(decimal[1]) <= 15) return input('number-input', { decimals: decimal[2] ?? '0' })
  if (/^(numeric|decimal|money|bigint|bigserial|u?int64)/.test(type)) return input('text-input', { placeholder: '0' }, { value: orNull })
  if (/^uuid\b/.test(type)) return input('text-input', { placeholder: '00000000-0000-0000-0000-000000000000' }, { value: orNull })
  const length = Number(/^(?:character varying|varchar|char|character)\((\d+)\)/.exec(type)?.[1] ?? 0)
  const isLong = length > longVarchar || (length === 0 && longNames.test(column.name)) || /^(mediumtext|longtext)$/.test(type)
  // An empty field leaves a null a null, and is an empty text else.
  const value = (at: string, before: string | undefined) => (isRequired ? at : before === undefined ? `${at} || null` : `${at} === '' && ${before} === null ? null : ${at}`)
  const limit: Properties = length > 0 && length < longVarchar ? { 'max-length': String(length) } : {}
  return isLong ? input('text-area', {}, { ...wide, value }) : input('text-input', limit, { value })
}

/** How a table shows a column. */
export function formatOf({ type }: TableColumn): string | undefined {
  const plain = type.toLowerCase()
  if (/^date$/.test(plain)) return 'date'
  if (/^(timestamp|datetime)/.test(plain)) return 'datetime'
  // Decimals stand as they are written: a format would drop their last zeros.
  if (/^(double|real|float)/.test(plain)) return 'number'
  return undefined
}

/** Whether a search looks into a column. */
export function isSearchable({ type }: TableColumn): boolean {
  return /^(text|character|varchar|char|citext|uuid|enum|string|lowcardinality\(string|nullable\(string|longtext|mediumtext|tinytext|name)/i.test(type)
}

/** `order_total` -> `Order total`. */
export function labelOf(name: string): string {
  const words = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll(/[_\s]+/g, ' ').trim()
  return words === '' ? name : `${words[0]?.toUpperCase()}${words.slice(1)}`
}

/** A part of a component's name: `order total` -> `OrderTotal`. */
export function nameOf(text: string): string {
  const words = text.normalize('NFKD').replace(/\p{M}/gu, '').split(/[^A-Za-z0-9]+/).filter(Boolean)
  return words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join('').slice(0, 40)
}

/** A property of an object, as an expression. */
export function memberOf(object: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${object}.${name}` : `${object}[${JSON.stringify(name)}]`
}
