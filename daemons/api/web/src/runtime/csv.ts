/** Rows as a CSV file, as RFC 4180 has it, with a mark of UTF-8 that spreadsheets look for. */
import { textOf } from './values'

/** A line for the names of all columns, then one for each row; nothing when the value is no list. */
export function csvOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined
  const rows = value.map((row: unknown) => (typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : { value: row }))
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return csvFile([columns, ...rows.map((row) => columns.map((column) => row[column]))])
}

export function csvFile(lines: unknown[][]): string {
  return `\uFEFF${lines.map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('')}`
}

function cellOf(value: unknown): string {
  const text = textOf(value)
  // A spreadsheet would run a text that begins so as a formula; a number is none.
  const plain = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d.,\s]+$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
