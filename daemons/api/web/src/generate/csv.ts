/**
 * Tables in text files: `name,city` and lines of values, with commas, semicolons, tabs or bars between them, quoted as RFC 4180 says.
 *
 * A row that does not fit the header is given back with the reason, and never bent into shape.
 */

export interface Rejected {
  /** The line of the file that it begins on, from 1. */
  line: number
  reason: string
  text: string
}

export interface Csv {
  /** The first line as it is written. */
  header: string[]
  /** Its names as a table may have them. */
  columns: string[]
  rows: string[][]
  /** The line that each row begins on, from 1. */
  lines: number[]
  rejected: Rejected[]
  separator: string
}

export const maxCsvBytes = 20 * 1024 * 1024
export const maxCsvRows = 100_000
const maxColumns = 200
const shownText = 120
const separators = [',', ';', '\t', '|'] as const

export class CsvError extends Error {}

export function parseCsv(text: string): Csv {
  const source = text.replace(/^\uFEFF/, '')
  if (source.includes('\0')) throw new CsvError('The file is no text: save it as CSV in UTF-8.')
  const separator = separatorOf(source)
  const records = recordsOf(source, separator)
  const header = records.next().value
  if (!header || header.cells.every((cell) => cell.trim() === '')) throw new CsvError('The file is empty: its first line must have the names of the columns.')
  if (header.isOpen) throw new CsvError('A quote in the first line is never closed.')
  if (header.cells.length > maxColumns) throw new CsvError(`The file has ${header.cells.length} columns; the most is ${maxColumns}.`)
  const columns = columnNames(header.cells)
  const rows: string[][] = []
  const lines: number[] = []
  const rejected: Rejected[] = []
  for (const { cells, line, isOpen } of records) {
    const refuse = (reason: string) => rejected.push({ line, reason, text: cells.join(separator).slice(0, shownText) })
    if (isOpen) refuse('a quote is never closed')
    else if (cells.length === 1 && cells[0] === '') continue
    else if (cells.length !== columns.length) refuse(`${cells.length} values for ${columns.length} columns`)
    else if (rows.length >= maxCsvRows) refuse(`more than ${maxCsvRows.toLocaleString('en')} rows`)
    else {
      rows.push(cells)
      lines.push(line)
    }
  }
  return { header: header.cells, columns, rows, lines, rejected, separator }
}

/** The separator that the first line has most of, outside of quotes. */
export function separatorOf(source: string): string {
  let isQuoted = false
  const counts = new Map<string, number>(separators.map((separator) => [separator, 0]))
  for (const char of source) {
    if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && (char === '\n' || char === '\r')) break
    else if (!isQuoted && counts.has(char)) counts.set(char, (counts.get(char) ?? 0) + 1)
  }
  return [...separators].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0))[0] ?? ','
}

interface CsvRecord {
  cells: string[]
  line: number
  /** Its last quote is never closed. */
  isOpen: boolean
}

function* recordsOf(source: string, separator: string): Generator<CsvRecord, undefined> {
  let at = 0
  let line = 1
  while (at < source.length) {
    const record: CsvRecord = { cells: [], line, isOpen: false }
    for (;;) {
      const cell = cellAt(source, at, separator)
      record.cells.push(cell.text)
      record.isOpen = cell.isOpen
      line += cell.lines
      at = cell.end
      if (source[at] !== separator) break
      at += 1
    }
    if (source[at] === '\r') at += 1
    if (source[at] === '\n') at += 1
    line += 1
    yield record
  }
  return undefined
}

function cellAt(source: string, start: number, separator: string): { text: string; end: number; lines: number; isOpen: boolean } {
  if (source[start] !== '"') {
    let end = start
    while (end < source.length && source[end] !== separator && source[end] !== '\n' && source[end] !== '\r') end += 1
    return { text: source.slice(start, end), end, lines: 0, isOpen: false }
  }
  let text = ''
  let at = start + 1
  for (;;) {
    const close = source.indexOf('"', at)
    if (close < 0) return { text: text + source.slice(at), end: source.length, lines: 0, isOpen: true }
    text += source.slice(at, close)
    at = close + 1
    if (source[at] !== '"') break
    text += '"'
    at += 1
  }
  // What stands behind the closing quote belongs to the value, as spreadsheets read it.
  let end = at
  while (end < source.length && source[end] !== separator && source[end] !== '\n' && source[end] !== '\r') end += 1
  return { text: text + source.slice(at, end), end, lines: text.split('\n').length - 1, isOpen: false }
}

/** Names for columns that a database takes: not empty, each once. */
export function columnNames(given: readonly (string | null)[]): string[] {
  const taken = new Set<string>()
  return given.map((text, index) => {
    const plain = (text ?? '').normalize('NFKD').replace(/\p{M}/gu, '').trim().toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 50)
    const base = plain === '' ? `column_${index + 1}` : /^\d/.test(plain) ? `c_${plain}` : plain
    let name = base
    for (let number = 2; taken.has(name); number += 1) name = `${base}_${number}`
    taken.add(name)
    return name
  })
}
