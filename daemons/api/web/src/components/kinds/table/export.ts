/** Rows as files. Loaded when somebody asks for one. */
import { textOf } from '../../../runtime/values'
import type { Row } from '../../rows'
import type { Column } from './columns'
import { workbook } from './xlsx'

export type ExportFormat = 'csv' | 'json' | 'xlsx'

const types: Record<ExportFormat, string> = {
  csv: 'text/csv;charset=utf-8',
  json: 'application/json',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
}

export async function exportRows(name: string, format: ExportFormat, columns: Column[], rows: Row[]): Promise<void> {
  const wanted = columns.filter(({ type }) => type !== 'button')
  const content = format === 'csv' ? csvOf(wanted, rows) : format === 'json' ? jsonOf(wanted, rows) : await workbook(name, wanted, rows)
  const address = URL.createObjectURL(new Blob([content], { type: types[format] }))
  const link = document.createElement('a')
  link.href = address
  link.download = `${name}.${format}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

export function jsonOf(columns: Column[], rows: Row[]): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map(({ key }) => [key, row[key] ?? null]))),
    null,
    2,
  )
}

/** As RFC 4180 has it, with a mark of UTF-8 that spreadsheets look for. */
export function csvOf(columns: Column[], rows: Row[]): string {
  const lines = [columns.map(({ label }) => field(label)), ...rows.map((row) => columns.map(({ key }) => field(row[key])))]
  return `\uFEFF${lines.map((line) => line.join(',')).join('\r\n')}\r\n`
}

function field(value: unknown): string {
  const text = textOf(value)
  // A spreadsheet would run such a text as a formula.
  const isFormula = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d.,\s]+$/.test(text)
  const safe = isFormula ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
