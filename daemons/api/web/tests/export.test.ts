/** Files of all rows: whole, or an error; and which tables have a query for them. */
import { describe, expect, it } from 'vitest'
import { wholeFile } from '../src/api/export'
import { pagedTables, pagesFor } from '../src/builder/edits'
import { wholeQuery } from '../src/components/kinds/table/whole-query'
import { type Ask, changed, expressionsIn, rewrittenAsk } from '../src/document/query-ask'
import type { RuntimeQuery } from '../src/runtime/model'

function answer(parts: string[], failure?: Error): Response {
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = parts[at++]
      if (part !== undefined) controller.enqueue(new TextEncoder().encode(part))
      else if (failure) controller.error(failure)
      else controller.close()
    },
  })
  return new Response(body)
}

describe('a file of all rows', () => {
  it('is put together from its pieces, however large they are', async () => {
    const piece = 'x'.repeat(3 * 1024 * 1024)
    const seen: number[] = []
    const file = await wholeFile(answer(['id\r\n', piece, piece, '1\r\n']), (count) => seen.push(count))
    expect(file.size).toBe(2 * piece.length + 7)
    expect(await file.slice(0, 6).text()).toBe('id\r\nxx')
    expect(await file.slice(-4).text()).toBe('x1\r\n')
    expect(seen.at(-1)).toBe(file.size)
    expect((await wholeFile(answer([]), () => {})).size).toBe(0)
  })

  it('is an error with the reason on its last line when it breaks off', async () => {
    const reason = JSON.stringify({ error: { status: 422, code: 'export-too-long', detail: 'there are more than 5 rows' } })
    const cut = wholeFile(answer(['{"id":1}\n', `${reason}\n`], new TypeError('network')), () => {})
    await expect(cut).rejects.toMatchObject({ code: 'export-too-long', message: 'there are more than 5 rows' })
    for (const end of ['1,2\r\n3', '{"error": broken\n', '']) {
      await expect(wholeFile(answer([end], new TypeError('network')), () => {})).rejects.toThrow('nothing was saved')
    }
  })

  it('is given up when the person cancels it', async () => {
    const cancelled = wholeFile(answer(['a'], new DOMException('stopped', 'AbortError')), () => {})
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('the query behind a table', () => {
  const read: RuntimeQuery = { expressions: [], mode: 'read', 'is-exportable': true }
  const queries: Record<string, RuntimeQuery> = {
    people: read,
    made: { ...read, transform: 'data' },
    paged: { ...read, 'is-paged': true },
    closed: { ...read, 'is-allowed': false },
    write: { expressions: [], mode: 'write' },
  }
  it('is found where the table shows its rows as they are', () => {
    expect(wholeQuery('{{ people.rows }}', false, queries)).toBe('people')
    expect(wholeQuery(' {{people.data}} ', false, queries)).toBe('people')
    expect(wholeQuery('{{ made.rows }}', false, queries)).toBe('made')
    expect(wholeQuery('{{ paged.rows }}', true, queries)).toBe('paged')
  })
  it('is none where all rows would not be what the table shows, or may not be had', () => {
    for (const data of ['{{ made.data }}', '{{ closed.rows }}', '{{ write.rows }}', '{{ nothing.rows }}', '{{ people.rows.filter((row) => row.ok) }}', '{{ toString.rows }}', '', undefined, [1]]) {
      expect(wholeQuery(data, false, queries)).toBeUndefined()
    }
    expect(wholeQuery('{{ people.rows }}', true, queries)).toBeUndefined()
  })
})

describe('pages that the database cuts', () => {
  const pages = pagesFor('orders')
  const ask = { statement: 'select {{ x }} order by 1', pages }
  const cut = (text: string) => Promise.resolve({ expressions: text.includes('{{ x }}') ? ['x'] : [] })
  it('are two expressions more, which are renamed with their table', async () => {
    expect(await expressionsIn(ask, cut)).toEqual({ expressions: ['x', 'orders.pageSize', 'orders.offset'] })
    const renamed = rewrittenAsk(ask, (text) => text, (source) => source.replace('orders', 'bills'))
    expect(renamed.pages).toEqual({ size: 'bills.pageSize', offset: 'bills.offset' })
  })
  it('end where the query can be cut no more', () => {
    expect(changed<Ask>({ ...ask, mode: 'read' }, { mode: 'write' })).toEqual({ mode: 'write', pages: null })
    expect(changed<Ask>({ ...ask, mode: 'read' }, { statement: 'select 2 order by 1' })).toEqual({ statement: 'select 2 order by 1' })
  })
  it('are for tables that ask page by page', () => {
    const table = (paging: string) => ({ type: 'table', properties: { paging } })
    const components = { orders: table('server'), all: table('client'), text: { type: 'text', properties: { paging: 'server' } } }
    expect(pagedTables({ format: 1, title: 'x', 'home-page': 'home', pages: { home: { components } } })).toEqual(['orders'])
  })
})
