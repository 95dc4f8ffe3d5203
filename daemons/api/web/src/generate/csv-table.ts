/** A table made from a CSV file: the types of its columns, the statement that creates it, and its rows in parts that are written one after the other. */
import type { TableChange } from '../api/types'
import type { Csv, Rejected } from './csv'
import type { Table } from './columns'
import type { ColumnType, Dialect } from './dialect'

export interface InferredColumn {
  name: string
  type: ColumnType
  isNullable: boolean
}

export interface Plan {
  columns: InferredColumn[]
  /** The column that tells rows apart: one of the file's, or a number that is added. */
  key: { name: string; isAdded: boolean }
}

/** Rows of one request; their values stay far below what one may weigh. */
const batchRows = 500
const batchBytes = 512 * 1024
const maxDigits = 15

export const typeNames: Record<ColumnType, string> = { text: 'Text', integer: 'Whole number', number: 'Number', flag: 'Yes or no', date: 'Date', datetime: 'Date and time' }

const patterns: Record<Exclude<ColumnType, 'text'>, (text: string) => boolean> = {
  flag: (text) => /^(true|false|yes|no)$/i.test(text),
  // A leading zero is part of a code, such as a postcode's.
  integer: (text) => /^-?(0|[1-9]\d*)$/.test(text) && text.replace('-', '').length <= maxDigits,
  number: (text) => /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) && text.length <= maxDigits + 2,
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isDay(text),
  datetime: (text) => /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(new Date(text.replace(' ', 'T')).getTime()),
}

function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === text
}

/** Whether a value is one of the type; an empty one is of all. */
export function fits(type: ColumnType, text: string): boolean {
  return type === 'text' || text.trim() === '' || patterns[type](text.trim())
}

/** Texts that some databases take for the same key. */
function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').trim().toLowerCase()
}

export function planOf(csv: Csv): Plan {
  const columns = csv.columns.map((name, index): InferredColumn => {
    const filledIn = csv.rows.map((row) => row[index]?.trim() ?? '').filter((text) => text !== '')
    const type = filledIn.length === 0 ? undefined : (['flag', 'integer', 'number', 'date', 'datetime'] as const).find((candidate) => filledIn.every(patterns[candidate]))
    return { name, type: type ?? 'text', isNullable: filledIn.length < csv.rows.length }
  })
  const index = columns.findIndex(({ name, isNullable }, at) => /^(id|.*_id|key|code|sku|number)$/.test(name) && !isNullable && csv.rows.length > 0 && new Set(csv.rows.map((row) => folded(row[at] ?? ''))).size === csv.rows.length && at === 0)
  const own = columns[index]
  if (own) return { columns, key: { name: own.name, isAdded: false } }
  const taken = new Set(csv.columns)
  let name = 'id'
  for (let number = 2; taken.has(name); number += 1) name = `row_id${number === 2 ? '' : number}`
  return { columns, key: { name, isAdded: true } }
}

export function createStatement(dialect: Dialect, name: string, { columns, key }: Plan): string {
  const lines = columns.map((column) => {
    const isKey = column.name === key.name && !key.isAdded
    // MySQL makes no key of a text without a length.
    const type = isKey && column.type === 'text' && !dialect.hasJsonValues ? 'varchar(190)' : dialect.types[column.type]
    return `${dialect.quoted(column.name)} ${type}${isKey ? ' primary key' : ''}`
  })
  if (key.isAdded) lines.unshift(`${dialect.quoted(key.name)} ${dialect.numberedKey}`)
  return `create table ${dialect.quoted(name)} (\n  ${lines.join(',\n  ')}\n)`
}

/** What numbers rows after the last one of the file, where the database does not see to it by itself. */
export function continueStatement(dialect: Dialect, name: string, { key }: Plan, rows: number): string | undefined {
  if (!key.isAdded || !dialect.numberedKey.includes('identity')) return undefined
  return `alter table ${dialect.quoted(name)} alter column ${dialect.quoted(key.name)} restart with ${rows + 1}`
}

/** The table as the generated app will find it. */
export function tableOf(schema: string, name: string, { columns, key }: Plan, dialect: Dialect): Table {
  const own = columns.map((column) => ({ name: column.name, type: dialect.types[column.type] }))
  return {
    schema,
    name,
    columns: key.isAdded ? [{ name: key.name, type: dialect.types.integer }, ...own] : own,
    key: [key.name],
    ...(key.isAdded ? { filled: [key.name] } : { required: [key.name] }),
  }
}

export interface Batch {
  rows: Record<string, unknown>[]
  /** How many rows of the file are written when it is. */
  upTo: number
}

/** The rows as values in parts, and those that do not fit the chosen types. A row keeps its number whatever part it is in, so a part that is sent again changes nothing. */
export function batchesOf(csv: Csv, { columns, key }: Plan): { batches: Batch[]; rejected: Rejected[] } {
  const batches: Batch[] = []
  const rejected: Rejected[] = []
  let rows: Record<string, unknown>[] = []
  let bytes = 0
  let count = 0
  const close = () => {
    if (rows.length > 0) batches.push({ rows, upTo: count })
    rows = []
    bytes = 0
  }
  csv.rows.forEach((cells, index) => {
    const wrong = columns.findIndex((column, at) => !fits(column.type, cells[at] ?? ''))
    if (wrong >= 0) {
      const column = columns[wrong]
      rejected.push({ line: csv.lines[index] ?? 0, reason: `${column?.name}: ${JSON.stringify(cells[wrong])} is no ${typeNames[column?.type ?? 'text'].toLowerCase()}`, text: cells.join(csv.separator).slice(0, 120) })
      return
    }
    count += 1
    const row: Record<string, unknown> = key.isAdded ? { [key.name]: count } : {}
    columns.forEach((column, at) => (row[column.name] = valueOf(column.type, cells[at] ?? '')))
    rows.push(row)
    bytes += cells.reduce((sum, cell) => sum + cell.length + 12, 0)
    if (rows.length >= batchRows || bytes >= batchBytes) close()
  })
  close()
  return { batches, rejected }
}

function valueOf(type: ColumnType, text: string): unknown {
  const plain = text.trim()
  if (type === 'text') return text === '' ? null : text
  if (plain === '') return null
  if (type === 'flag') return /^(true|yes)$/i.test(plain)
  // Digits travel as they are: a JavaScript number would round them.
  return type === 'integer' ? Number(plain) : plain
}

/** Writes a part; `rows` is its parameter. */
export function bulkChange(name: string, schema: string, { columns, key }: Plan): TableChange {
  const names = columns.map((column) => column.name)
  return { do: 'bulk-upsert', table: name, ...(schema ? { schema } : {}), rows: 'rows', columns: key.isAdded ? [key.name, ...names] : names, conflict: [key.name] }
}
