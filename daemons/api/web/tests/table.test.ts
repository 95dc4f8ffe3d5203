import { describe, expect, it } from 'vitest'
import { type Order, arrange, inSlices, summed } from '../src/components/kinds/table/arrange'
import { cellText, tagsOf } from '../src/components/kinds/table/cell-text'
import { type Column, arrangedColumns, columnsOf, movedOrder, untouched } from '../src/components/kinds/table/columns'
import { csvOf, jsonOf } from '../src/components/kinds/table/export'
import { meant, toggled, written } from '../src/components/kinds/table/edited'
import { pageCount, pageSizeOf, paged } from '../src/components/kinds/table/paging'
import { changed, keyOfRow, reselected, withChanges } from '../src/components/kinds/table/rows'
import { rowsOf } from '../src/components/rows'
import { crc32, letters, workbook } from '../src/components/kinds/table/xlsx'
import { initialState } from '../src/runtime/model'

const rows = [
  { id: 1, name: 'Äther', open: '10.50', due: '2026-03-01', paid: true, tags: ['a', 'b'] },
  { id: 2, name: 'zebra', open: '9.25', due: '2025-12-31', paid: false, tags: [] },
  { id: 3, name: 'Ball 10', open: null, due: null, paid: false, tags: null },
  { id: 4, name: 'Ball 9', open: '-3.00', due: '2026-01-15', paid: true, tags: 'c' },
]
const columns = columnsOf([{ key: 'id' }, { key: 'name' }, { key: 'open', format: 'currency', currency: 'EUR', summary: 'sum' }, { key: 'due', format: 'date' }, { key: 'paid' }, { key: 'tags', format: 'tag' }], rows)
const column = (key: string) => columns.find((one) => one.key === key) as Column
const no: Order = { sort: null, filters: [], search: '' }
const never = new AbortController().signal
const ids = async (order: Partial<Order>) => (await inSlices(arrange(rows, columns, { ...no, ...order }), never))?.map((index) => rows[index]?.id)

describe('the columns of a table', () => {
  it('are what the data suggests, where nobody says', () => {
    expect(columnsOf(undefined, rows).map(({ key, type }) => [key, type])).toEqual([['id', 'number'], ['name', 'text'], ['open', 'number'], ['due', 'text'], ['paid', 'boolean'], ['tags', 'text']])
    expect(columnsOf([{ key: 'order_total' }, 'order_total', { key: '' }, 7, null], []).map(({ label }) => label)).toEqual(['Order total'])
    expect(columnsOf('[{"key": "a", "format": "hologram", "width": 1e9, "tones": [1]}]', [])[0]).toMatchObject({ type: 'text', width: 900, tones: {} })
  })

  it('are moved, hidden and pinned by a person', () => {
    expect(movedOrder(columns, 'paid', 'name')).toEqual(['id', 'paid', 'name', 'open', 'due', 'tags'])
    const shown = arrangedColumns(columns, { ...untouched, order: movedOrder(columns, 'paid', 'id'), hidden: { open: true }, pins: { tags: 'left', id: 'right' } })
    expect(shown.map(({ key }) => key)).toEqual(['tags', 'paid', 'name', 'due', 'id'])
  })
})

describe('cells', () => {
  it('show values by their type', () => {
    expect(cellText('1234.5', { ...column('open'), currency: '' })).toBe('1,234.50')
    expect(cellText('12345678901234567890.12', column('open'))).toBe('12345678901234567890.12')
    expect(cellText(null, column('open'))).toBe('')
    // A day is the same one in every zone.
    expect(cellText('2026-03-01', column('due'))).toBe('Mar 1, 2026')
    expect(cellText('soon', column('due'))).toBe('soon')
    expect(tagsOf(rows[0]?.tags)).toEqual(['a', 'b'])
  })
})

describe('flags that are numbers, as MySQL and SQLite have them', () => {
  const paid = columnsOf([{ key: 'paid', format: 'boolean' }], [])[0] as Column

  it('show, are found and are changed as flags', async () => {
    expect([1, 0, '1', 'f', true].map((value) => cellText(value, paid))).toEqual(['Yes', 'No', 'Yes', 'No', 'Yes'])
    const numbers = [{ paid: 1 }, { paid: 0 }, { paid: null }]
    const wanted: Order = { ...no, filters: [{ key: 'paid', operator: 'is', value: 'Yes' }] }
    expect(await inSlices(arrange(numbers, [paid], wanted), never)).toEqual([0])
    expect([1, 0, true, null].map(toggled)).toEqual([0, 1, false, true])
  })
})

describe('what is written into a cell', () => {
  it('keeps all digits of a decimal', () => {
    const price = column('open')
    expect(written('12345678901234567.89', price)).toBe('12345678901234567.89')
    expect(meant('12345678901234567.90', '12345678901234567.89', price)).toEqual({ value: '12345678901234567.90' })
    expect(meant('7.5', 7, price)).toEqual({ value: 7.5 })
    expect(meant('seven', 7, price)).toEqual({ problem: 'Write a number.' })
  })

  it('is the time on the wall where times have no zone, and an instant where they have', () => {
    const [plain, zoned] = columnsOf([{ key: 'plain', format: 'datetime' }, { key: 'zoned', format: 'datetime' }], [{ plain: '2026-03-01 09:30:00', zoned: '2026-03-01T09:30:00Z' }]) as [Column, Column]
    expect(written('2026-03-01 09:30:00', plain)).toBe('2026-03-01T09:30')
    expect(meant('2026-03-01T10:00', '2026-03-01 09:30:00', plain)).toEqual({ value: '2026-03-01T10:00:00' })
    // A new row has no time yet; the others say what the column holds.
    expect(meant('2026-03-01T10:00', null, plain)).toEqual({ value: '2026-03-01T10:00:00' })
    expect(meant('2026-03-01T10:00', null, zoned)).toEqual({ value: new Date('2026-03-01T10:00').toISOString() })
  })
})

describe('the selection, after other rows came', () => {
  const first = [{ id: 1, v: 'a' }, { id: 2, v: 'b' }]
  const held = { selectedRows: first, selectedRow: { id: 2, v: 'b' } }

  it('is the rows of the same key, as they are now', () => {
    expect(reselected(held, [{ id: 2, v: 'B' }, { id: 3, v: 'c' }], 'id', false)).toEqual({ selectedRows: [{ id: 2, v: 'B' }], selectedRow: { id: 2, v: 'B' }, selectedIndex: 0 })
    expect(reselected(held, [{ id: 3, v: 'c' }], 'id', false)).toEqual({ selectedRows: [], selectedRow: null, selectedIndex: -1 })
  })

  it('keeps those on another page, where several can be selected', () => {
    expect(reselected(held, [{ id: 3, v: 'c' }, { id: 1, v: 'A' }], 'id', true)).toEqual({ selectedRows: [{ id: 2, v: 'b' }, { id: 1, v: 'A' }], selectedRow: { id: 2, v: 'b' }, selectedIndex: -1 })
  })
})

describe('the order of rows', () => {
  it('sorts numbers, days and texts by what they mean, and the empty ones last', async () => {
    expect(await ids({ sort: { key: 'open', direction: 'ascending' } })).toEqual([4, 2, 1, 3])
    expect(await ids({ sort: { key: 'open', direction: 'descending' } })).toEqual([1, 2, 4, 3])
    expect(await ids({ sort: { key: 'name', direction: 'ascending' } })).toEqual([1, 4, 3, 2])
    expect(await ids({ sort: { key: 'due', direction: 'ascending' } })).toEqual([2, 4, 1, 3])
    expect(await ids({ sort: { key: 'gone', direction: 'ascending' } })).toEqual([1, 2, 3, 4])
  })

  it('leaves equal rows as they came, also among many', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ group: (index * 7919) % 7, at: index }))
    const order = await inSlices(arrange(many, columnsOf(undefined, many), { ...no, sort: { key: 'group', direction: 'descending' } }), never)
    const sorted = (order ?? []).map((index) => many[index] as { group: number; at: number })
    expect(sorted).toHaveLength(5000)
    expect(sorted.every((row, index) => index === 0 || (sorted[index - 1]?.group ?? 0) > row.group || ((sorted[index - 1]?.group ?? 0) === row.group && (sorted[index - 1]?.at ?? 0) < row.at))).toBe(true)
  })

  it('finds what is searched, as it came or as it shows', async () => {
    expect(await ids({ search: 'BALL' })).toEqual([3, 4])
    expect(await ids({ search: '€10.5' })).toEqual([1])
    expect(await ids({ search: 'jan 15' })).toEqual([4])
  })

  it('filters by all filters together', async () => {
    expect(await ids({ filters: [{ key: 'open', operator: 'from', value: '0' }] })).toEqual([1, 2])
    expect(await ids({ filters: [{ key: 'due', operator: 'to', value: '2026-01-31' }, { key: 'paid', operator: 'is', value: 'true' }] })).toEqual([4])
    expect(await ids({ filters: [{ key: 'open', operator: 'empty', value: '' }] })).toEqual([3])
    expect(await ids({ filters: [{ key: 'name', operator: 'is-not', value: 'ZEBRA' }] })).toEqual([1, 3, 4])
    expect(await ids({ filters: [{ key: 'name', operator: 'contains', value: '' }, { key: 'gone', operator: 'is', value: 'x' }] })).toEqual([1, 2, 3, 4])
  })

  it('is called off', async () => {
    const controller = new AbortController()
    controller.abort()
    const many = Array.from({ length: 60_000 }, (_, at) => ({ at: String(at) }))
    expect(await inSlices(arrange(many, columnsOf(undefined, many), { ...no, search: 'x' }), controller.signal)).toBeUndefined()
  })

  it('sums what shows, with what was changed', async () => {
    const sums = (places?: number[]) => inSlices(summed(rows, places, columns, (row) => (row.id === 2 ? { ...row, open: 0.1 } : row)), never)
    expect(await sums()).toEqual({ open: 7.6 })
    expect(await sums([0])).toEqual({ open: 10.5 })
  })
})

describe('changes', () => {
  it('hold what is other than it was, by row', () => {
    const [first] = rows
    if (!first) throw new Error('no row')
    const one = changed([], first, '', 'name', 'Aether')
    expect(one).toEqual([{ key: 1, row: first, values: { name: 'Aether' } }])
    expect(changed(one, first, '', 'name', 'Äther')).toEqual([])
    expect(changed([], first, '', 'tags', ['a', 'b'])).toEqual([])
    expect(withChanges(first, new Map([[1, one[0] as (typeof one)[0]]]), '').name).toBe('Aether')
    expect([keyOfRow({ a: 1 }, ''), keyOfRow({ a: 1, id: 5 }, 'a')]).toEqual(['{"a":1}', 1])
    expect(rowsOf([1, null, [], { a: 1 }])).toEqual([{ a: 1 }])
  })
})

describe('pages', () => {
  it('are counted, and begin at the size that the document says', () => {
    expect(paged(3, 25)).toEqual({ page: 3, pageSize: 25, offset: 50 })
    expect([pageCount(null, 10), pageCount(0, 10), pageCount(21, 10)]).toEqual([undefined, 1, 3])
    expect([pageSizeOf(null), pageSizeOf(-1), pageSizeOf(1e9)]).toEqual([50, 50, 10_000])
    expect(initialState({ type: 'table', properties: { 'page-size': '20' } })).toMatchObject({ pageSize: 20, page: 1 })
  })
})

describe('files', () => {
  it('in CSV hold no formula', () => {
    const odd = [{ a: '=1+1', b: 'say "hi"\n' }, { a: '-5', b: '@x' }, { a: -5, b: null }]
    expect(csvOf(columnsOf([{ key: 'a' }, { key: 'b' }], odd), odd)).toBe('\uFEFFA,B\r\n\'=1+1,"say ""hi""\n"\r\n-5,\'@x\r\n-5,\r\n')
    expect(JSON.parse(jsonOf(columnsOf(['a'], odd), odd))).toEqual([{ a: '=1+1' }, { a: '-5' }, { a: -5 }])
  })

  it('for Excel are archives of XML with typed cells', async () => {
    expect([letters(0), letters(25), letters(26), letters(701)]).toEqual(['A', 'Z', 'AA', 'ZZ'])
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    const book = new Uint8Array(await (await workbook('a/b<c', columns, [...rows, { id: 5, name: '=1+1 & \u0000<x>' }])).arrayBuffer())
    const sheet = await entry(book, 'xl/worksheets/sheet1.xml')
    expect(sheet).toContain('<c r="B6" t="inlineStr" s="0"><is><t xml:space="preserve">=1+1 &amp; &lt;x&gt;</t></is></c>')
    expect(sheet).toContain('<c r="C2" s="5"><v>10.5</v></c>')
    expect(sheet).toContain('<c r="D2" s="2"><v>46082</v></c>')
    expect(sheet).toContain('<c r="E2" t="b"><v>1</v></c>')
    expect(await entry(book, 'xl/workbook.xml')).toContain('name="a b&lt;c"')
  })
})

/** A file of a zip archive, found by its central directory. */
async function entry(archive: Uint8Array<ArrayBuffer>, name: string): Promise<string> {
  const view = new DataView(archive.buffer)
  let at = view.getUint32(archive.length - 6, true)
  for (let count = view.getUint16(archive.length - 12, true); count > 0; count -= 1) {
    const [packed, nameLength, offset] = [view.getUint32(at + 20, true), view.getUint16(at + 28, true), view.getUint32(at + 42, true)]
    if (new TextDecoder().decode(archive.subarray(at + 46, at + 46 + nameLength)) === name) {
      const from = offset + 30 + view.getUint16(offset + 26, true)
      return new Response(new Blob([archive.slice(from, from + packed)]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).text()
    }
    at += 46 + nameLength
  }
  throw new Error(`the archive has no ${name}`)
}
