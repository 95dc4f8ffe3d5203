import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mapTexts, operationKinds, operationsOf, redisReads, textsOf } from '../src/document/operations'
import { type Ask, changed, expressionsIn, fittedTo, isWrite, rewrittenAsk, wayOf, waysOf, writtenAs } from '../src/document/query-ask'
import { graphqlOperation } from '../src/document/graphql-document'
import { kindNames } from '../src/studio/resource-kinds'

const get: Ask = { operation: { do: 'command', command: ['GET', 'user:{{ table.selectedRow.id }}'] } }
const cut = async (text: string) => ({ expressions: [...text.matchAll(/\{\{(.+?)\}\}/g)].map((found) => (found[1] ?? '').trim()) })

test('the commands that only read are those of the server', () => {
  const source = readFileSync('../../lib/model/src/operation/redis.rs', 'utf8')
  const list = /const READS: &\[&str\] = &\[([^\]]*)\]/.exec(source)?.[1] ?? ''
  expect([...list.matchAll(/"([^"]+)"/g)].map((found) => found[1])).toEqual([...redisReads])
})

test('each kind of resource that speaks no SQL has operations, and each operation a kind', () => {
  const offered = Object.values(operationsOf).flat()
  expect([...offered].sort()).toEqual(Object.keys(operationKinds).sort())
  for (const kind of Object.keys(operationsOf)) expect(kindNames).toContain(kind)
})

test('an operation says itself whether it changes anything', () => {
  expect(isWrite(get)).toBe(false)
  expect(isWrite({ operation: { do: 'command', command: ['del', 'x'] } })).toBe(true)
  expect(isWrite({ statement: 'select 1', mode: 'write' })).toBe(true)
})

test('a call reads where it says so, and a pipeline where it stores nothing', () => {
  expect(isWrite({ operation: { do: 'grpc', method: 'shop.v1.Orders/GetOrder' } })).toBe(true)
  expect(isWrite({ operation: { do: 'grpc', method: 'shop.v1.Orders/GetOrder', reads: true } })).toBe(false)
  const pipeline = (...stages: object[]): Ask => ({ operation: { do: 'mongodb', action: 'aggregate', collection: 'orders', pipeline: stages } })
  expect(isWrite(pipeline({ $match: { a: '{{ a }}' } }))).toBe(false)
  expect(isWrite(pipeline({ $facet: { a: [{ $merge: { into: 'b' } }] } }))).toBe(true)
  expect(isWrite({ operation: { do: 'mongodb', action: 'count', collection: 'orders' } })).toBe(false)
})

test('what becomes a write keeps no result', () => {
  const kept = { ...get, 'cache-seconds': 60 }
  expect(changed(kept, { operation: { do: 'command', command: ['DEL', 'x'] } })).toEqual({ operation: { do: 'command', command: ['DEL', 'x'] }, 'cache-seconds': 0 })
  expect(changed(kept, { operation: { do: 'command', command: ['TTL', 'x'] } })).toEqual({ operation: { do: 'command', command: ['TTL', 'x'] } })
  expect(changed(get, { operation: { do: 'command', command: ['DEL', 'x'] } })).toEqual({ operation: { do: 'command', command: ['DEL', 'x'] } })
})

test('its expressions are found wherever they stand, and follow a renamed component', async () => {
  expect(await expressionsIn(get, cut)).toEqual({ expressions: ['table.selectedRow.id'] })
  const renamed = rewrittenAsk(get, (text) => text.replace('table.', 'people.'), (source) => source)
  expect(renamed.operation).toEqual({ do: 'command', command: ['GET', 'user:{{ people.selectedRow.id }}'] })
  expect(textsOf({ a: ['x', { b: 'y' }], c: 1, d: null })).toEqual(['x', 'y'])
  expect(mapTexts({ a: ['x', 2, null, true] }, (text) => `${text}!`)).toEqual({ a: ['x!', 2, null, true] })
})

test('a query that is pointed at another kind of resource is written in a way that fits it', () => {
  expect(waysOf('redis')).toEqual(['operation', 'library'])
  expect(waysOf(undefined)).toEqual(['sql', 'list', 'form', 'library'])
  expect(waysOf('mysql')).toEqual(['sql', 'form', 'library'])
  expect(waysOf('sql-server')).toEqual(['sql', 'list', 'form', 'library'])
  expect(wayOf(writtenAs('operation', 'redis'))).toBe('operation')
  expect(fittedTo('postgresql', { statement: 'select 2', mode: 'read' })).toEqual({})
  expect(fittedTo('redis', get)).toEqual({})
  expect(fittedTo('redis', { statement: 'select 2' })).toMatchObject({ statement: '', operation: { do: 'command' } })
  expect(fittedTo('postgresql', get)).toMatchObject({ operation: null, statement: 'select 1 as one' })
})

test('a list of statements is one write, with the expressions of all', async () => {
  const list = { ...writtenAs('list'), statements: ['update a set b = {{ x.value }}', 'select 1', 'delete from c where d = {{ x.value + y }}'] }
  expect([wayOf(list), isWrite(list)]).toEqual(['list', true])
  const cut = async (text: string) => ({ expressions: text.includes('y') ? ['x.value', 'y'] : ['x.value'] })
  expect(await expressionsIn(list, cut)).toEqual({ expressions: ['x.value', 'y'] })
  expect(rewrittenAsk(list, (text) => text.replaceAll('x.', 'z.'), (source) => source).statements).toEqual(['update a set b = {{ z.value }}', 'select 1', 'delete from c where d = {{ z.value + y }}'])
  expect(wayOf({ ...list, ...writtenAs('sql') })).toBe('sql')
  expect(fittedTo('mysql', list)).toMatchObject({ statements: [] })
  expect(fittedTo('postgresql', list)).toEqual({})
})

test.each([
  ['query { a }', '', 'query'],
  ['{ a }', '', 'query'],
  ['# mutation\nquery Q($x: Int = 1) { a(text: "mutation { }") }', '', 'query'],
  ['mutation { a }', '', 'mutation'],
  ['query Q { a } mutation M { b }', 'M', 'mutation'],
  ['query Q { a } mutation M { b }', 'Q', 'query'],
  ['query Q { a } mutation M { b }', '', undefined],
  ['fragment F on T { a } query { ...F }', '', 'query'],
  ['query { a ', '', undefined],
  ['query { """mutation { b }""" }', '', 'query'],
])('the operation of %s, named "%s", is a %s', (document, name, kind) => {
  expect(graphqlOperation(document, name)).toBe(kind)
})

test('a query of the library is asked by its arguments', async () => {
  const ask: Ask = { mode: 'write', library: { query: 'find', arguments: { id: ' table1.id ', other: 'table1.id' } } }
  expect([wayOf(ask), isWrite(ask), fittedTo('redis', ask)]).toEqual(['library', true, {}])
  expect(await expressionsIn(ask, () => Promise.resolve({ expressions: ['never'] }))).toEqual({ expressions: ['table1.id'] })
  const renamed = rewrittenAsk(ask, (text) => text, (source) => source.replace('table1', 'people'))
  expect(renamed.library?.arguments).toEqual({ id: ' people.id ', other: 'people.id' })
})
