/** What a person, a database or another program may do to an app: each is stopped or said where it is, and the rest goes on. */
import { produce } from 'immer'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AppDocument, Page, QueryResult } from '../src/api/types'
import { moveComponents, removeQuery, setProperty } from '../src/builder/edits'
import { overlaps, place } from '../src/builder/layout'
import { canonicalText } from '../src/document/canonical'
import { createDraftStore } from '../src/document/draft-store'
import { lint } from '../src/document/lint'
import { renameEverywhere } from '../src/document/rename-everywhere'
import type { RuntimeQuery } from '../src/runtime/model'
import { AppRuntime } from '../src/runtime/runtime'

vi.mock('../src/evaluator/sandbox', () => import('./sandbox-in-node'))

const open: AppRuntime[] = []
afterEach(() => open.splice(0).forEach((runtime) => runtime.close()))
/** The worker may have to wait for its turn. */
const patience = { timeout: 20_000 }

const text = (value: unknown) => ({ type: 'text', properties: { value } })
const read: RuntimeQuery = { expressions: [], mode: 'read', run: 'automatic' }

function run(values: Record<string, unknown>, queries: Record<string, RuntimeQuery> = {}, rows: unknown[] = []) {
  const components = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value)]))
  const runtime = new AppRuntime(
    { title: 'Bad input', 'home-page': 'home', pages: { home: { components, layout: {} } }, queries },
    {
      globals: { current_user: { name: 'Ada' } },
      storage: { read: () => ({}), write: () => undefined },
      confirm: async () => true,
      notify: () => undefined,
      runWorkflow: async () => undefined,
      runQuery: async () => ({ rows, row_count: rows.length }) as unknown as QueryResult,
      runsAll: true,
    },
  )
  open.push(runtime)
  return runtime
}

const shown = (runtime: AppRuntime, name: string) => runtime.store.getState().shown[`${name}.value`]
const error = (runtime: AppRuntime, name: string) => (shown(runtime, name) as { error?: string } | undefined)?.error ?? ''

describe('an expression', () => {
  it('that throws, runs in a circle or makes too much is an error at its place alone', async () => {
    const runtime = run({
      good: '{{ 40 + 2 }}',
      thrown: '{{ (() => { throw new Error("on purpose") })() }}',
      strange: '{{ (() => { throw null })() }}',
      itself: '{{ itself.value }}',
      one: '{{ two.value }}',
      two: '{{ three.value + 1 }}',
      three: '{{ one.value }}',
      after: '{{ good.value + 1 }}',
      long: '{{ "x".repeat(2e8) }}',
      deep: '{{ (() => { const a = {}; a.a = a; return a })() }}',
      nested: '{{ (() => { let a = []; for (let n = 0; n < 1e4; n += 1) a = [a]; return a.length })() }}',
      unparsed: '{{ 1 + }}',
      open: 'never closed {{ 1',
    })
    await vi.waitFor(() => expect(shown(runtime, 'after')).toEqual({ value: 43 }), patience)
    expect(error(runtime, 'thrown')).toBe('on purpose')
    expect(error(runtime, 'strange')).toBe('null')
    expect(error(runtime, 'itself')).toContain('reads itself')
    for (const name of ['one', 'two', 'three']) expect(error(runtime, name)).toContain('reads itself by way of')
    for (const name of ['long', 'deep']) expect(error(runtime, name)).toContain('too large')
    expect(shown(runtime, 'nested')).toEqual({ value: 1 })
    for (const name of ['unparsed', 'open']) expect(error(runtime, name)).not.toBe('')
    expect(shown(runtime, 'good')).toEqual({ value: 42 })
  }, 60_000)

  it('without end is stopped, and named', async () => {
    const runtime = run({ good: '{{ 1 }}', loop: '{{ (() => { for (;;) {} })() }}' })
    await vi.waitFor(() => expect(error(runtime, 'loop')).toContain('endless loop'), patience)
    await vi.waitFor(() => expect(shown(runtime, 'good')).toEqual({ value: 1 }), patience)
  }, 60_000)

  it('changes nothing that others see', async () => {
    const tries = {
      prototype: '{{ (({}).__proto__.polluted = 1, "done") }}',
      array: '{{ (Array.prototype.polluted = 1, "done") }}',
      constructor1: '{{ (({}).constructor.prototype.polluted = 1, "done") }}',
      setter: '{{ (Object.setPrototypeOf(current_user, { is_admin: true }), "done") }}',
      define: '{{ (Object.defineProperty(Object.prototype, "polluted", { value: 1 }), "done") }}',
      user: '{{ (current_user.name = "Eve", "done") }}',
      merged: '{{ Object.assign({}, JSON.parse(\'{"__proto__": {"polluted": 1}}\')).polluted ?? "done" }}',
    }
    const runtime = run({ ...tries, seen: '{{ [({}).polluted, [].polluted, current_user.name, current_user.is_admin] }}' })
    await vi.waitFor(() => expect(shown(runtime, 'seen')).toBeDefined(), patience)
    for (const name of ['prototype', 'array', 'constructor1', 'setter', 'define', 'user']) expect(error(runtime, name), name).not.toBe('')
    expect(shown(runtime, 'merged')).toEqual({ value: 1 })
    expect((shown(runtime, 'seen') as { value: unknown }).value).toEqual([undefined, undefined, 'Ada', undefined])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  }, 60_000)
})

describe('a query', () => {
  it('of 50 MB is shown by its count, and what stands beside it goes on', async () => {
    const line = 'x'.repeat(500)
    const rows = Array.from({ length: 100_000 }, (_, id) => ({ id, line }))
    const runtime = run({ count: '{{ big.rows.length }}', rows: '{{ big.rows }}', all: '{{ big.rows.map((row) => row.line + row.id).join() }}', beside: '{{ 6 * 7 }}' }, { big: read }, rows)
    await vi.waitFor(() => expect(shown(runtime, 'count')).toEqual({ value: 100_000 }), patience)
    // The rows are here already: they are not copied back.
    expect((shown(runtime, 'rows') as { value: unknown[] }).value).toHaveLength(100_000)
    expect(shown(runtime, 'beside')).toEqual({ value: 42 })
    await vi.waitFor(() => expect(shown(runtime, 'all')).toBeDefined(), patience)
  }, 60_000)

  it('that is removed while it is used takes nothing with it: who reads it says so', async () => {
    const runtime = run({ rows: '{{ load.rows.length }}', beside: '{{ 1 + 1 }}' }, { load: read }, [{ id: 1 }])
    await vi.waitFor(() => expect(shown(runtime, 'rows')).toEqual({ value: 1 }), patience)
    runtime.update({ ...runtime.document, queries: {} })
    await vi.waitFor(() => expect(error(runtime, 'rows')).toContain('load is not defined'), patience)
    expect(shown(runtime, 'beside')).toEqual({ value: 2 })
    expect(await runtime.runQuery('load')).toBe(false)
    const app: AppDocument = {
      format: 1,
      title: 'App',
      'home-page': 'home',
      pages: { home: { components: { rows: text('{{ load.rows.length }}'), go: { type: 'button', events: [{ on: 'click', action: { do: 'run-query', query: 'load' } }] } }, layout: {} } },
      queries: { load: { resource: 'tables', statement: 'select 1' }, other: { resource: 'tables', statement: 'select 2', run: 'manual', 'on-success': [{ do: 'run-query', query: 'load' }] } },
    }
    const without = produce(app, (draft) => removeQuery(draft, 'load'))
    expect(without.queries).not.toHaveProperty('load')
    expect(without.pages['home']?.components?.['rows']).toEqual(app.pages['home']?.components?.['rows'])
    expect(lint(without, { members: () => undefined, slow: {} })).toContainEqual(expect.objectContaining({ message: 'load is not the name of anything in this app.' }))
  }, 60_000)
})

describe('a document', () => {
  const rect = (column: number, row: number, width = 6, height = 2) => ({ column, row, width, height })
  const hologram = { type: 'hologram-view', properties: { depth: 3, of: ['{{ name.value }}'], deep: { a: null, b: [] } }, events: [{ on: 'glow', action: { do: 'notify', message: '{{ 1 }}' } }] }
  const page = { components: { what: hologram, name: { type: 'text-input', properties: {} } }, layout: { what: rect(0, 0), name: rect(6, 0) } } as unknown as Page
  const app: AppDocument = { format: 1, title: 'App', 'home-page': 'home', pages: { home: page }, queries: {} }

  it('with a component of a later version keeps it untouched, through edits, a rename and a save', async () => {
    const sent: AppDocument[] = []
    const store = createDraftStore(app, 1, async (_, document) => (sent.push(document), 2))
    store.edit((draft) => setProperty(draft, 'home', 'name', 'label', 'Name'))
    store.edit((draft) => moveComponents(draft, 'home', { name: rect(12, 0) }))
    await store.save()
    expect(sent[0]?.pages['home']?.components?.['what']).toEqual(hologram)
    store.edit((draft) => renameEverywhere(draft, 'name', 'person'))
    await store.save()
    expect(sent[1]?.pages['home']?.components?.['what']).toEqual({ ...hologram, properties: { ...hologram.properties, of: ['{{ person.value }}'] } })
    store.undo()
    store.undo()
    store.undo()
    expect(canonicalText(store.getState().document)).toBe(canonicalText(app))
  })

  it('whose components lie on each other is mended by the first move, and by nothing before', () => {
    const layout = { a: rect(0, 0), b: rect(2, 1), c: rect(0, 0), inner: { ...rect(0, 0), parent: 'a' } }
    expect(overlaps(layout.a, layout.b)).toBe(true)
    const after = place(layout, { a: rect(0, 0) })
    const rects = Object.entries(after)
    for (const [name, one] of rects) for (const [other, two] of rects) if (name < other) expect(overlaps(one, two), `${name} on ${other}`).toBe(false)
    expect(after['a']).toMatchObject(rect(0, 0))
    expect(after['inner']).toEqual(layout.inner)
  })

  it('with rectangles that no grid has is looked through without an end', () => {
    const odd = { a: rect(-5, -5, 0, 0), b: rect(30, 1e6, 99, 1e6), c: rect(Number.NaN, Number.NaN, Number.NaN, Number.NaN) }
    expect(Object.keys(place(odd, { a: rect(0, 0) })).sort()).toEqual(['a', 'b', 'c'])
  })

  it('of 2,000 components is edited and looked through in no time that one would notice', () => {
    const components = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`text${index}`, text(`{{ text${(index + 1) % 2000}.value }}`)]))
    const layout = Object.fromEntries(Object.keys(components).map((name, index) => [name, rect((index % 4) * 6, Math.floor(index / 4) * 2)]))
    const large: AppDocument = { ...app, pages: { home: { components, layout } as Page } }
    const store = createDraftStore(large, 1, async () => 2)
    const begun = performance.now()
    store.edit((draft) => setProperty(draft, 'home', 'text1000', 'value', 'changed'))
    store.edit((draft) => moveComponents(draft, 'home', place(draft.pages['home']?.layout ?? {}, { text0: rect(0, 1) })))
    store.undo()
    store.undo()
    // A tenth of a second, with room for a machine that has much else to do.
    expect(performance.now() - begun).toBeLessThan(2000)
    expect(canonicalText(store.getState().document)).toBe(canonicalText(large))
  })
})
