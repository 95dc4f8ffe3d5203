/**
 * A workbook of one sheet, as Office Open XML (ECMA-376) has it: a zip archive of a few XML files.
 *
 * Texts stand in their cells as they are, so that none is ever read as a formula.
 */
import { valueLocale } from '../../../messages/messages'
import { numberOf, textOf } from '../../../runtime/values'
import type { Row } from '../../rows'
import { type Column, isNumericType } from './columns'

const xml = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const office = 'http://schemas.openxmlformats.org'
/** What Excel takes in a cell, and in a sheet. */
const [mostCharacters, mostRows] = [32_767, 1_048_575]
/** Styles by their places in the list below. */
const styles = { plain: 0, head: 1, day: 2, moment: 3, percent: 4, money: 5 }

export async function workbook(name: string, columns: Column[], rows: Row[]): Promise<Blob> {
  if (rows.length > mostRows) throw new Error(`a sheet has at most ${mostRows.toLocaleString(valueLocale)} rows: choose CSV`)
  const sheetName = escaped(name.replace(/[\\/?*[\]:]/g, ' ').slice(0, 31) || 'Sheet')
  const parts: [string, string][] = [
    [
      '[Content_Types].xml',
      `${xml}<Types xmlns="${office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`,
    ],
    ['_rels/.rels', `${xml}<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="rId1" Type="${office}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`],
    ['xl/workbook.xml', `${xml}<workbook xmlns="${office}/spreadsheetml/2006/main" xmlns:r="${office}/officeDocument/2006/relationships"><sheets><sheet name="${sheetName}" sheetId="1" r:id="rId1"/></sheets></workbook>`],
    [
      'xl/_rels/workbook.xml.rels',
      `${xml}<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="rId1" Type="${office}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${office}/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`,
    ],
    ['xl/styles.xml', stylesXml],
    ['xl/worksheets/sheet1.xml', sheetXml(columns, rows)],
  ]
  return zip(parts)
}

const stylesXml = `${xml}<styleSheet xmlns="${office}/spreadsheetml/2006/main"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="6">${[
  [0, 0],
  [0, 1],
  [14, 0],
  [22, 0],
  [10, 0],
  [4, 0],
]
  .map(([format, font]) => `<xf numFmtId="${format}" fontId="${font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>`)
  .join('')}</cellXfs></styleSheet>`

function sheetXml(columns: Column[], rows: Row[]): string {
  const head = `<row r="1">${columns.map(({ label }, index) => textCell(label, `${letters(index)}1`, styles.head)).join('')}</row>`
  const body = rows.map((row, at) => `<row r="${at + 2}">${columns.map((column, index) => cellXml(row[column.key], column, `${letters(index)}${at + 2}`)).join('')}</row>`)
  const view = '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
  const widths = `<cols>${columns.map(({ width }, index) => `<col min="${index + 1}" max="${index + 1}" width="${Math.round((width ?? 130) / 7)}" customWidth="1"/>`).join('')}</cols>`
  return `${xml}<worksheet xmlns="${office}/spreadsheetml/2006/main">${view}${widths}<sheetData>${head}${body.join('')}</sheetData></worksheet>`
}

function cellXml(value: unknown, { type }: Column, place: string): string {
  if (value === null || value === undefined || value === '') return ''
  if (typeof value === 'boolean') return `<c r="${place}" t="b"><v>${value ? 1 : 0}</v></c>`
  if (type === 'date' || type === 'datetime') {
    const serial = serialOf(value)
    if (serial !== undefined) return `<c r="${place}" s="${type === 'date' ? styles.day : styles.moment}"><v>${serial}</v></c>`
  }
  const number = typeof value === 'number' || isNumericType(type) ? numberOf(value) : null
  if (number !== null) return `<c r="${place}" s="${type === 'percent' ? styles.percent : type === 'currency' ? styles.money : styles.plain}"><v>${number}</v></c>`
  return textCell(textOf(value), place, styles.plain)
}

function textCell(text: string, place: string, style: number): string {
  return `<c r="${place}" t="inlineStr" s="${style}"><is><t xml:space="preserve">${escaped(text.slice(0, mostCharacters))}</t></is></c>`
}

/** Days since the end of 1899, by the clocks of this browser: Excel knows no zones. */
function serialOf(value: unknown): number | undefined {
  const text = textOf(value)
  const at = new Date(typeof value === 'number' ? value : text)
  if (Number.isNaN(at.getTime())) return undefined
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const local = at.getTime() - (isDay ? 0 : at.getTimezoneOffset() * 60_000)
  const serial = local / 86_400_000 + 25_569
  // Excel has no days before 1900.
  return serial >= 1 ? serial : undefined
}

/** `A` to `Z`, then `AA`. */
export function letters(index: number): string {
  const rest = Math.floor(index / 26)
  return `${rest > 0 ? letters(rest - 1) : ''}${String.fromCharCode(65 + (index % 26))}`
}

/** Without the characters that XML cannot hold. */
function escaped(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

export function crc32(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0)
  return (crc ^ 0xffffffff) >>> 0
}

async function deflated(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([data]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** A zip archive (APPNOTE 6.3), its files deflated. Their time is that of no clock: 1980. */
async function zip(files: [name: string, text: string][]): Promise<Blob> {
  const encoder = new TextEncoder()
  const parts: Uint8Array<ArrayBuffer>[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let offset = 0
  for (const [fileName, text] of files) {
    const [name, data] = [encoder.encode(fileName), encoder.encode(text)]
    const packed = await deflated(data)
    // Version, flags, method, time, date, checksum, both sizes, length of the name, no extra field.
    const shared: [size: 2 | 4, value: number][] = [[2, 20], [2, 0x0800], [2, 8], [2, 0], [2, 33], [4, crc32(data)], [4, packed.length], [4, data.length], [2, name.length], [2, 0]]
    const local = record([[4, 0x04034b50], ...shared])
    parts.push(local, name, packed)
    directory.push(record([[4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), name)
    offset += local.length + name.length + packed.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end = record([[4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]])
  return new Blob([...parts, ...directory, end])
}

function record(fields: [size: 2 | 4, value: number][]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
    at += size
  }
  return bytes
}
