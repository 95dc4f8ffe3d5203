/** Rows as files. Loaded when somebody asks for one. */
import { csvFile } from '../../../runtime/csv'
import type { Handle } from '../../../runtime/methods'
import { textOf } from '../../../runtime/values'
import { saveFile } from '../../../ui/save-file'
import { type Row, rowsOf } from '../../rows'
import { type Filter, type Sort, arrange, inSlices } from './arrange'
import { type Column, columnsOf } from './columns'
import { changesOf, withChanges } from './rows'
import { workbook } from './xlsx'

export type ExportFormat = 'csv' | 'json' | 'xlsx'

const types: Record<ExportFormat, string> = {
  csv: 'text/csv',
  json: 'application/json',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
}

/** The rows of a table as they are searched, filtered, sorted and changed now, with the columns that its document shows. */
export async function exportTable({ name, read, held }: Handle, format: ExportFormat): Promise<void> {
  const { sort, filters, search, changes, newRows } = held()
  const rows = rowsOf(read('data'))
  const columns = columnsOf(read('columns'), rows)
  const order = { sort: (sort as Sort | null | undefined) ?? null, filters: (filters as Filter[] | undefined) ?? [], search: textOf(search) }
  const places = read('paging') === 'server' ? rows.map((_, index) => index) : ((await inSlices(arrange(rows, columns, order), new AbortController().signal)) ?? [])
  const byKey = new Map(changesOf(changes).map((change) => [change.key, change]))
  const shown = places.flatMap((place) => (rows[place] ? [withChanges(rows[place], byKey, textOf(read('key')))] : []))
  await exportRows(name, format, columns.filter(({ isHidden }) => !isHidden), [...rowsOf(newRows), ...shown])
}

export async function exportRows(name: string, format: ExportFormat, columns: Column[], rows: Row[]): Promise<void> {
  const wanted = columns.filter(({ type }) => type !== 'button')
  const content = format === 'csv' ? csvOf(wanted, rows) : format === 'json' ? jsonOf(wanted, rows) : await workbook(name, wanted, rows)
  saveFile(`${name}.${format}`, content, types[format])
}

export function jsonOf(columns: Column[], rows: Row[]): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map(({ key }) => [key, row[key] ?? null]))),
    null,
    2,
  )
}

export function csvOf(columns: Column[], rows: Row[]): string {
  return csvFile([columns.map(({ label }) => label), ...rows.map((row) => columns.map(({ key }) => row[key]))])
}
