/** Rows as a CSV file. */

/** A line for the names of all columns, then one for each row; nothing when the value is no list. */
export function csvOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined
  const rows = value.map((row: unknown) => (typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : { value: row }))
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = [columns.map(cellOf), ...rows.map((row) => columns.map((column) => cellOf(row[column])))]
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

function cellOf(value: unknown): string {
  const text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
  // A spreadsheet would run a text that begins so as a formula; a number is none.
  const plain = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
