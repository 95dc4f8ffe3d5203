import { describe, expect, it } from 'vitest'
import { initialsOf } from '../src/components/kinds/avatar/initials'
import { eventsOf, moved, weeksOf } from '../src/components/kinds/calendar/days'
import { draw } from '../src/components/kinds/chart/cartesian'
import { chartData, columnsFor, pointsOf, rowsOf, slicesOf, ticksOver } from '../src/components/kinds/chart/series'
import { refusalOf } from '../src/components/kinds/iframe/origins'
import { fitted, outline, project, shapesOf, spotsOf } from '../src/components/kinds/map/geometry'
import { pdfSource } from '../src/components/kinds/pdf/source'
import { begun, fieldsOf, kindOf, problemsOf } from '../src/components/kinds/schema-form/schema'
import { pathOf } from '../src/components/kinds/signature/strokes'
import { treeOf, visible } from '../src/components/kinds/tree/nodes'
import { heldValue, problemOf } from '../src/runtime/kinds'
import { modelOf } from '../src/runtime/model'
import { baseOf, indexesOf, instanceName, listsAround, pathTo } from '../src/runtime/nesting'
import { asType } from '../src/runtime/values'

const read = (properties: Record<string, unknown>) => (property: string) => properties[property]
const none = read({})

describe('inputs of special texts', () => {
  it('say what is wrong with them', () => {
    const isSound = (kind: string, value: unknown, properties = {}) => problemOf(kind, value, read(properties)) === undefined
    expect(['ada@example.org', 'a.b+c@d.e.f'].every((text) => isSound('email', text))).toBe(true)
    expect(['ada', 'a@b', 'a b@c.d', 'a@@b.c', 'a@b..c'].some((text) => isSound('email', text))).toBe(false)
    expect(['+44 20 7946 0000', '(030) 12-34', '112'].every((text) => isSound('phone', text))).toBe(true)
    expect(['12', 'abc', '+44 20 7946 0000 0000 0000', '1+2'].some((text) => isSound('phone', text))).toBe(false)
    expect([isSound('url', 'https://example.org/a?b'), isSound('url', 'javascript:alert(1)'), isSound('url', 'https://')]).toEqual([true, false, false])
    expect([isSound('time', '05:59', { min: '06:00' }), isSound('checkbox-group', ['a'], { 'min-chosen': 2 }), isSound('code-editor', 'abc', { 'max-length': 2 })]).toEqual([false, false, false])
  })

  it('hold times and ranges of days', () => {
    expect(['09:30', '09:30:15', '24:00', '9:30', null].map((value) => asType('time', value))).toEqual(['09:30', '09:30', null, null, null])
    expect(asType('range', '{"from": "2026-11-02T10:00Z", "to": "soon"}')).toEqual({ from: '2026-11-02', to: null })
    expect(asType('range', {})).toBeNull()
    const range = (from: string | null, to: string | null, properties = {}) => problemOf('date-range', { from, to }, read(properties))
    expect(range('2026-11-05', '2026-11-02')).toContain('after the last')
    expect(range('2026-11-02', null, { required: true })).toContain('last day')
    expect([range('2026-11-02', '2026-11-04', { 'max-days': 3 }), range('2026-11-02', '2026-11-05', { 'max-days': 3 })]).toEqual([undefined, 'Choose at most 3 days.'])
  })
})

describe('inputs of JSON', () => {
  const schema = '{"type": "object", "properties": {"name": {"type": "string"}, "kind": {"enum": ["parcel", "letter"], "default": "parcel"}}, "required": ["name"]}'

  it('hold what the fields of a schema show, and say what is missing, also when nobody touched them', () => {
    const untouched = heldValue('schema-form', {}, read({ schema, 'default-value': '{"name": "Ada"}' }))
    expect(untouched).toEqual({ name: 'Ada', kind: 'parcel' })
    const empty = heldValue('schema-form', {}, read({ schema }))
    expect([empty, problemOf('schema-form', empty, read({ schema }))]).toEqual([{ kind: 'parcel' }, 'name: Fill this in.'])
  })

  it('are not sent while what is written is no JSON', () => {
    expect(problemOf('json-editor', { a: 1 }, none, { isValid: false })).toBe('This is no JSON yet.')
    expect(problemOf('json-editor', { a: 1 }, none, { isValid: true })).toBeUndefined()
  })
})

describe('charts', () => {
  it('draw the columns that hold numbers, where nobody says', () => {
    const rows = [{ month: 'Jan', orders: 3, open: '2.50', note: 'x' }]
    expect(columnsFor(rows, { x: '', y: '', by: '' })).toEqual({ x: 'month', ys: ['orders', 'open'], by: '' })
    expect(rowsOf([3, 'a', null, 5])).toEqual([{ x: 1, value: 3 }, { x: 4, value: 5 }])
    expect(rowsOf('{"paid": 2}')).toEqual([{ x: 'paid', value: 2 }])
  })

  it('add up what has the same place and series, and put days in their order', () => {
    const rows = [{ day: '2026-03-02', kind: 'a', n: 1 }, { day: '2026-03-01', kind: 'b', n: 2 }, { day: '2026-03-02', kind: 'a', n: '0.5' }, { day: '2026-03-02', kind: 'b', n: null }]
    const data = chartData(rows, { x: 'day', y: 'n', by: 'kind' })
    expect(data.places.map(({ label }) => label)).toEqual(['Mar 1', 'Mar 2'])
    expect(data.series).toEqual([{ name: 'a', values: [null, 1.5] }, { name: 'b', values: [2, null] }])
    expect(data.isTime).toBe(true)
  })

  it('draw a dozen series, and the rest as one', () => {
    const data = chartData(Array.from({ length: 40 }, (_, index) => ({ x: 'a', kind: String(index), n: 1 })), { x: 'x', y: 'n', by: 'kind' })
    expect([data.series.length, data.series.at(-1)]).toEqual([12, { name: 'Others', values: [29] }])
    expect(slicesOf(chartData(rowsOf({ a: 1, b: -2, c: 3 }), { x: '', y: '', by: '' })).map(({ label }) => label)).toEqual(['c', 'a'])
  })

  it('have round numbers along their axes, whatever the values', () => {
    expect(ticksOver([0, 97], 5)).toEqual([0, 20, 40, 60, 80, 100])
    expect(ticksOver([-3, 4], 4)).toEqual([-4, -2, 0, 2, 4])
    for (const range of [[0, 0], [5, 5], [1e-9, 2e-9], [-1e12, 1e12]] as [number, number][]) {
      const ticks = ticksOver(range, 5)
      expect(ticks.length).toBeGreaterThan(1)
      expect([(ticks[0] ?? 1) <= range[0], (ticks.at(-1) ?? 0) >= range[1]]).toEqual([true, true])
    }
  })

  it('stack bars on each other, below zero as well', () => {
    const data = chartData([{ x: 'a', up: 2, down: -1, more: 3 }], { x: 'x', y: 'up,down,more', by: '' })
    const { bars, frame } = draw(data, 'bar', true, { width: 400, height: 300 }, String)
    const [up, down, more] = bars
    expect((more?.y ?? 0) + (more?.height ?? 0)).toBeCloseTo(up?.y ?? 0)
    expect(down?.y).toBeCloseTo(frame.zero)
  })

  it('leave gaps where a line has no value, and points that are none', () => {
    const data = chartData([{ x: 1, y: 1 }, { x: 2, y: null }, { x: 3, y: 2 }], { x: 'x', y: 'y', by: '' })
    expect(draw(data, 'line', false, { width: 400, height: 300 }, String).lines[0]?.path.match(/M/g)).toHaveLength(2)
    expect(pointsOf([{ a: 1, b: 2 }, { a: 'x', b: 3 }], { x: 'a', y: 'b', by: '' }).points).toHaveLength(1)
    expect(chartData([], { x: '', y: '', by: '' }).series).toEqual([])
  })
})

describe('calendars', () => {
  it('have whole weeks', () => {
    const weeks = weeksOf('2026-11', false)
    expect([weeks[0]?.[0], weeks.at(-1)?.[6], weeks.length]).toEqual(['2026-10-26', '2026-12-06', 6])
    expect(weeksOf('2026-11', true)[0]?.[0]).toBe('2026-11-01')
    expect([moved('2026-01-31', { months: 1 }), moved('2024-02-29', { days: 1 }), moved('2026-12-15', { months: 1 })]).toEqual(['2026-02-28', '2024-03-01', '2027-01-15'])
  })

  it('take events with and without times and ends', () => {
    const events = eventsOf([{ title: 'b', start: '2026-11-03', end: '2026-11-01' }, { title: 'a', date: 'x' }, { start: '2026-11-02T09:30:00' }], none)
    expect(events.map(({ title, from, to, time }) => [title, from, to, time])).toEqual([['–', '2026-11-02', '2026-11-02', '09:30'], ['b', '2026-11-03', '2026-11-03', '']])
  })
})

describe('trees', () => {
  it('are made of rows that name their parents, without circles', () => {
    const rows = [{ id: 1, name: 'a' }, { id: 2, name: 'b', parent: 1 }, { id: 3, name: 'c', parent: 9 }, { id: 4, parent: 5 }, { id: 5, parent: 4 }, { id: 1, name: 'again' }]
    const nodes = treeOf(rows, read({ 'parent-key': 'parent' }))
    expect(visible(nodes, () => true).map(({ node, level }) => [node.label, level])).toEqual([['a', 1], ['b', 2], ['c', 1]])
    expect(visible(nodes, () => false)).toHaveLength(2)
  })

  it('are nested as deep as anybody can read', () => {
    let data: unknown[] = []
    for (let depth = 0; depth < 200; depth += 1) data = [{ label: String(depth), children: data }]
    expect(visible(treeOf(data, none), () => true).length).toBeLessThan(60)
    expect(treeOf('nothing', none)).toEqual([])
  })
})

describe('forms of schemas', () => {
  const schema = {
    type: 'object',
    required: ['name', 'address'],
    properties: { name: { type: 'string', minLength: 2 }, age: { type: ['integer', 'null'], minimum: 0 }, kind: { enum: ['a', 'b'], default: 'a' }, address: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } }, tags: { type: 'array', items: { type: 'string' } }, odd: { oneOf: [] }, ['__proto__']: { type: 'string' } },
  }

  it('know their fields', () => {
    expect(fieldsOf(schema).map((field) => kindOf(field.schema))).toEqual(['text', 'number', 'choice', 'object', 'list', 'json'])
    expect(begun(schema, { name: '', extra: 1 })).toEqual({ extra: 1, kind: 'a', address: {} })
  })

  it('say what is wrong, and where', () => {
    expect(problemsOf(schema, {})).toEqual({ name: 'Fill this in.', 'address.city': 'Fill this in.' })
    expect(problemsOf(schema, { name: 'x', age: 1.5, address: { city: 'y' } })).toEqual({ name: 'Write at least 2 characters.', age: 'Write a whole number.' })
    expect(problemsOf(schema, { name: 'xy', age: -1, address: { city: 'y' } })).toEqual({ age: 'Give 0 or more.' })
    expect(problemsOf({ type: 'string', pattern: '(' }, 'x')).toEqual({})
  })
})

describe('maps', () => {
  it('place what has a latitude and longitude', () => {
    expect(project(0, 0)).toEqual({ x: 0.5, y: 0.5 })
    expect(project(90, 180).y).toBeGreaterThan(-0.01)
    const spots = spotsOf([{ lat: '45.76', lng: 4.84, name: 'Lyon' }, { lat: 91, lng: 0 }, { lat: null, lng: 1 }], none)
    expect(spots.map(({ label }) => label)).toEqual(['Lyon'])
    expect(fitted(spots, { width: 400, height: 300 }).scale).toBe(400 * 24)
    expect(fitted([], { width: 0, height: 0 }).scale).toBe(1)
  })

  it('draw areas and lines of GeoJSON, and outlines of countries', () => {
    const shapes = shapesOf({ type: 'FeatureCollection', features: [{ type: 'Feature', geometry: { type: 'Polygon', coordinates: [[[0, 0], [10, 0], [10, 10], [0, 0]]] } }, { type: 'LineString', coordinates: [[0, 0], [5, 5]] }, null] })
    expect([shapes.area.match(/Z/g)?.length, shapes.line.startsWith('M500.00 500.00L')]).toEqual([1, true])
    expect(shapesOf('nonsense')).toEqual({ area: '', line: '' })
    const path = outline({ transform: { scale: [1, 1], translate: [0, 0] }, arcs: [[[0, 0], [10, 0]], [[0, 0], [0, 10], [10, -10]]], objects: { countries: { geometries: [{ type: 'Polygon', arcs: [[0, ~1]] }] } } }, 'countries')
    expect(path).toMatch(/^M500\.00 500\.00L.*Z$/)
  })
})

describe('documents and frames', () => {
  it('show only what they may', () => {
    const own = 'https://tools.example.org'
    expect(['https://wiki.example.org/x', 'https://evil.example', `${own}/apps`, 'javascript:alert(1)', 'wiki.example.org'].map((address) => refusalOf(address, own, ['https://wiki.example.org']))).toEqual([undefined, 'unlisted', 'own', 'address', 'address'])
  })

  it('are PDF or are not shown', () => {
    const own = 'https://tools.example.org'
    expect(pdfSource({ base64: btoa('%PDF-1.4 x') }, own)).toMatchObject({ bytes: { length: 10 } })
    expect(pdfSource(btoa('<script>'), own)).toEqual({ problem: 'This is no PDF document.' })
    expect(pdfSource('https://evil.example/a.pdf', own)).toHaveProperty('problem')
    expect(pdfSource('/files/a.pdf', own)).toEqual({ address: `${own}/files/a.pdf` })
    expect([pdfSource('', own), pdfSource('%%%', own)]).toEqual([undefined, { problem: 'This is no PDF document in base64.' }])
  })
})

describe('components in lists', () => {
  const at = (row: number, parent?: string) => ({ column: 0, row, width: 4, height: 1, ...(parent ? { parent } : {}) })
  const page = { components: { list: { type: 'list', properties: { data: '{{ [1, 2] }}' } }, box: { type: 'container' }, name: { type: 'text-input', properties: { label: '{{ item }}' } }, code: { type: 'custom', properties: { script: 'a {{ b }}', data: '{{ 1 }}' } } }, layout: { list: at(0), box: at(0, 'list'), name: at(0, 'box'), code: at(1) } }

  it('have a name for each item', () => {
    expect([instanceName('name', '[2][0]'), instanceName('name[2]', '[3]'), instanceName('name', '')]).toEqual(['name[2][0]', 'name[2]', 'name'])
    expect([baseOf('name[2][11]'), baseOf('name')]).toEqual([{ base: 'name', path: '[2][11]' }, { base: 'name', path: '' }])
    expect([indexesOf('[2][11]'), pathTo('[2][11]', 1), pathTo('[2]', 0)]).toEqual([[2, 11], '[2]', ''])
    expect([listsAround(page, 'name'), listsAround(page, 'list'), listsAround(page, 'code')]).toEqual([['list'], [], []])
  })

  it('are not evaluated outside of it, nor is what is kept as it is', () => {
    const model = modelOf({ title: '', 'home-page': 'home', pages: { home: page }, queries: {} }, 'home', {})
    expect(Object.keys(model.templates)).toEqual(['list.data', 'code.data'])
  })
})

describe('small things', () => {
  it('stand for people and lines', () => {
    expect(['Ada Lovelace', 'ada@example.org', '  ', 'Łukasz'].map(initialsOf)).toEqual(['AL', 'AO', '', 'Ł'])
    expect(pathOf([[1, 2]])).toBe('M1.0 2.0l0.1 0')
    expect(pathOf([[0, 0], [1, 1], [2, 0]])).toBe('M0.0 0.0Q1.0 1.0 1.5 0.5L2.0 0.0')
  })
})
