/** Ranges of cells as spreadsheets put them on the clipboard: tabs between cells, a line for each row, quotes around what holds either. */
import type { Cell } from './edits'

/** Cells with their nulls, for a paste within Bulkhead; others read the plain text. */
export const cellsType = 'application/x-bulkhead-cells'

export function toTsv(rows: readonly (readonly Cell[])[]): string {
  const quoted = (cell: Cell) => (cell === null ? '' : /[\t\n\r"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
  return rows.map((row) => row.map(quoted).join('\t')).join('\n')
}

/** The rows of a pasted text. A line end at its end begins no row. */
export function fromTsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  const plain = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  while (at <= plain.length) {
    const cell = cellAt(plain, at)
    row.push(cell.text)
    at = cell.end
    if (plain[at] === '\t') at += 1
    else {
      rows.push(row)
      row = []
      at += 1
      if (at >= plain.length) break
    }
  }
  return rows
}

function cellAt(text: string, start: number): { text: string; end: number } {
  if (text[start] === '"') {
    let found = ''
    for (let at = start + 1; ; ) {
      const close = text.indexOf('"', at)
      // A quote that is never closed was meant as one.
      if (close < 0) break
      found += text.slice(at, close)
      if (text[close + 1] !== '"') {
        const next = text[close + 1]
        if (next !== undefined && next !== '\t' && next !== '\n') break
        return { text: found, end: close + 1 }
      }
      found += '"'
      at = close + 2
    }
  }
  let end = start
  while (end < text.length && text[end] !== '\t' && text[end] !== '\n') end += 1
  return { text: text.slice(start, end), end }
}
