/** Rows as files. Loaded when somebody asks for one. */
import { csvFile } from '../../../runtime/csv'
import { saveFile } from '../../../ui/save-file'
import type { Row } from '../../rows'
import type { Column } from './columns'
import { workbook } from './xlsx'

export type ExportFormat = 'csv' | 'json' | 'xlsx'

const types: Record<ExportFormat, string> = {
  csv: 'text/csv',
  json: 'application/json',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
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
