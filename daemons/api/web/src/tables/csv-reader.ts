/**
 * A CSV file row by row as it is read, however large it is: only the row that has begun is kept.
 *
 * A cell with nothing in it is null, and one with quotes around nothing an empty text, as Bulkhead's own exports write them.
 */
import { separatorOf } from '../generate/csv'
import type { Cell } from './edits'

export interface CsvRow {
  /** The line that it begins on, from 1. */
  line: number
  cells: Cell[]
}

export class CsvReader {
  private rest = ''
  private line = 1
  private separator: string | undefined
  private isFirst = true

  /** The rows that end in what has come; `isLast` ends the file. */
  read(chunk: string, isLast = false): CsvRow[] {
    this.rest += this.isFirst ? chunk.replace(/^\uFEFF/, '') : chunk
    if (chunk !== '') this.isFirst = false
    if (chunk.includes('\0')) throw new Error('The file is no text: save it as CSV in UTF-8.')
    const rows: CsvRow[] = []
    for (;;) {
      const end = this.rowEnd(isLast)
      if (end === undefined) break
      const text = this.rest.slice(0, end.at)
      this.separator ??= separatorOf(text)
      const cells = cellsOf(text, this.separator)
      if (!(cells.length === 1 && cells[0] === null)) rows.push({ line: this.line, cells })
      this.line += text.split('\n').length
      this.rest = this.rest.slice(end.at + end.length)
    }
    return rows
  }

  private rowEnd(isLast: boolean): { at: number; length: number } | undefined {
    let isQuoted = false
    for (let at = 0; at < this.rest.length; at += 1) {
      const char = this.rest[at]
      if (char === '"') isQuoted = !isQuoted
      else if (!isQuoted && char === '\n') return { at, length: 1 }
      else if (!isQuoted && char === '\r') {
        // Its other half may be in what comes next.
        if (at + 1 === this.rest.length && !isLast) return undefined
        return { at, length: this.rest[at + 1] === '\n' ? 2 : 1 }
      }
    }
    if (!isLast || this.rest === '') return undefined
    if (isQuoted) throw new Error(`A quote of the row on line ${this.line} is never closed: mend the file and choose it again. Nothing was imported.`)
    return { at: this.rest.length, length: 0 }
  }
}

function cellsOf(row: string, separator: string): Cell[] {
  const cells: Cell[] = []
  let at = 0
  for (;;) {
    if (row[at] !== '"') {
      const end = row.indexOf(separator, at)
      const text = row.slice(at, end < 0 ? undefined : end)
      cells.push(text === '' ? null : text)
      if (end < 0) return cells
      at = end + 1
      continue
    }
    let text = ''
    at += 1
    for (;;) {
      const close = row.indexOf('"', at)
      text += row.slice(at, close)
      at = close + 1
      if (row[at] !== '"') break
      text += '"'
      at += 1
    }
    // What stands behind the closing quote belongs to the value, as spreadsheets read it.
    const end = row.indexOf(separator, at)
    cells.push(text + row.slice(at, end < 0 ? undefined : end))
    if (end < 0) return cells
    at = end + 1
  }
}

/** The rejected rows as a file: the cells as they were, and before them the line, the column and the reason. */
export function rejectedCsv(columns: readonly string[], rows: readonly { line: number; column?: string | null; reason: string; cells: readonly Cell[] }[]): string {
  const quoted = (cell: Cell) => (cell === null ? '' : cell === '' || /[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
  const lines = [['line', 'column', 'reason', ...columns], ...rows.map(({ line, column, reason, cells }) => [String(line), column ?? null, reason, ...cells])]
  return lines.map((line) => `${line.map(quoted).join(',')}\r\n`).join('')
}
