import { afterEach, describe, expect, it, vi } from 'vitest'
import type { QueryResult } from '../src/api/types'
import type { Address } from '../src/runtime/address'
import type { RuntimeDocument, RuntimeQuery } from '../src/runtime/model'
import { AppRuntime, type RuntimeHost } from '../src/runtime/runtime'
import type { Kept } from '../src/runtime/storage'

vi.mock('../src/evaluator/sandbox', () => import('./sandbox-in-node'))

type Components = RuntimeDocument['pages'][string]['components']

interface Given extends Partial<Omit<RuntimeDocument, 'pages'>> {
  components?: Components
  pages?: RuntimeDocument['pages']
}

const open: AppRuntime[] = []
afterEach(() => open.splice(0).forEach((runtime) => runtime.close()))

/** An app that runs, what it asked for, and what it said. */
function run({ components = {}, pages = {}, queries = {}, ...rest }: Given, more: Partial<RuntimeHost> = {}, address?: Address) {
  const asked: { name: string; parameters: Record<string, unknown> }[] = []
  const said: string[] = []
  let kept: Kept = {}
  const document: RuntimeDocument = { title: 'Test', 'home-page': 'home', pages: { home: { components, layout: {} }, ...pages }, queries, ...rest }
  const host: RuntimeHost = {
    globals: { current_user: { email: 'ada@example.org', groups: ['finance'] }, environment: 'production' },
    storage: { read: () => kept, write: (next) => void (kept = next) },
    confirm: async () => true,
    notify: (text) => said.push(text),
    runWorkflow: async () => undefined,
    runQuery: async (name, parameters) => {
      asked.push({ name, parameters })
      return { rows: [{ id: 1, name: 'Ada' }, { id: 2, name: 'Alan' }] } as unknown as QueryResult
    },
    ...more,
  }
  const runtime = new AppRuntime(document, host, address)
  open.push(runtime)
  return { runtime, asked, said, kept: () => kept }
}

const read = (parameters: string[] = [], more: Partial<RuntimeQuery> = {}): RuntimeQuery => ({ expressions: parameters, mode: 'read', run: 'manual', ...more })
const script = (code: string, more: Partial<RuntimeQuery> = {}): RuntimeQuery => ({ expressions: [], run: 'manual', code, ...more })
const shows = (template: unknown) => ({ type: 'text', properties: { value: template } })
const ready = (runtime: AppRuntime) => vi.waitFor(() => expect(runtime.store.getState().isReady).toBe(true), 5000)
const value = (runtime: AppRuntime, name: string) => runtime.store.getState().shown[`${name}.value`]
const dataOf = (runtime: AppRuntime, query: string) => (runtime.seen()[query] ?? {})['data']

describe('scripts', () => {
  it('run queries with arguments, set state and components, and return a value', async () => {
    const { runtime, asked } = run({
      components: { name: { type: 'text-input', properties: {} }, shown: shows('{{ state.found.value }} {{ name.value }} {{ pick.data.length }}') },
      queries: {
        load: read(['args.id']),
        pick: script(`
          const rows = await load.run({ id: 7 })
          await state.found.set(rows[1].name)
          name.setValue(state.found.value + '!')
          return load.rows.map((row) => row.id)
        `),
      },
      state: { found: {} },
    })
    await ready(runtime)
    expect(await runtime.runQuery('pick')).toBe(true)
    expect(asked).toEqual([{ name: 'load', parameters: { 'args.id': 7 } }])
    expect(dataOf(runtime, 'pick')).toEqual([1, 2])
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: 'Alan Alan! 2' }))
  })

  it('see a state variable as they have just set it, and put it back', async () => {
    const { runtime } = run({ queries: { count: script('state.n.set(state.n.value + 1); state.n.set(state.n.value + 1); return state.n.value'), back: script('await state.n.reset(); return state.n.value') }, state: { n: { initial: 40 } } })
    await ready(runtime)
    await runtime.runQuery('count')
    expect(dataOf(runtime, 'count')).toBe(42)
    await runtime.runQuery('back')
    expect(dataOf(runtime, 'back')).toBe(40)
  })

  it('fail with what they throw, and catch what a query throws', async () => {
    const { runtime, said } = run(
      { queries: { load: read(), bad: script('throw new Error("no luck")'), good: script('try { await load.run() } catch (error) { return error.message }') } },
      { runQuery: () => Promise.reject(new Error('the database is away')) },
    )
    await ready(runtime)
    expect(await runtime.runQuery('bad')).toBe(false)
    expect(said).toEqual(['no luck'])
    await runtime.runQuery('good')
    expect(dataOf(runtime, 'good')).toBe('the database is away')
    expect(said).toEqual(['no luck'])
  })

  it('end when they never would, and the bindings live on', async () => {
    const { runtime } = run({ components: { n: { type: 'number-input', properties: {} }, shown: shows('{{ n.value * 2 }}') }, queries: { loop: script('await load.run(); for (;;) {}'), load: read() } })
    await ready(runtime)
    expect(await runtime.runQuery('loop')).toBe(false)
    expect(runtime.store.getState().queries.loop?.message).toContain('endless loop')
    runtime.setComponent('n', { value: 21 })
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: 42 }), 5000)
  }, 15_000)

  it('have a limit of time, and do nothing after it', async () => {
    const { runtime, said } = run({ queries: { slow: script('await utils.wait(300); notify("late")', { 'timeout-ms': 50 }), after: script('await utils.wait(400)') } })
    await ready(runtime)
    expect(await runtime.runQuery('slow')).toBe(false)
    await runtime.runQuery('after')
    expect(said).toEqual(['It took longer than 50 ms and was stopped.'])
  })

  it('cannot reach the page, nor change what an app holds', async () => {
    const tries = {
      page: 'return typeof document + typeof window + typeof localStorage.getItem',
      rows: 'load.rows.sort()',
      member: 'load.rows = []',
      prototype: '({}).__proto__.polluted = 1',
      constructor: 'return (() => {}).constructor("return typeof document")()',
    }
    const { runtime } = run({ queries: { load: read(), ...Object.fromEntries(Object.entries(tries).map(([name, code]) => [`${name}Try`, script(code)])) } })
    await ready(runtime)
    await runtime.runQuery('load')
    for (const name of Object.keys(tries)) await runtime.runQuery(`${name}Try`)
    const { queries } = runtime.store.getState()
    expect(dataOf(runtime, 'pageTry')).toBe('undefinedundefinedundefined')
    expect(dataOf(runtime, 'constructorTry')).toBe('undefined')
    expect(queries.rowsTry?.message).toContain('read-only')
    expect(queries.memberTry?.message).toContain('load is read-only')
    expect(queries.prototypeTry?.message).toContain('not extensible')
  })

  it('return plain values of a sensible size', async () => {
    const { runtime } = run({ queries: { fn: script('return { f() {} }'), big: script('return new Array(6e6).fill(0)'), own: script('return load'), load: read() } })
    await ready(runtime)
    for (const name of ['fn', 'big', 'own']) await runtime.runQuery(name)
    const { queries } = runtime.store.getState()
    expect(queries.fn?.message).toContain('no data')
    expect(queries.big?.message).toContain('too large')
    expect(dataOf(runtime, 'own')).toMatchObject({ rows: [], loading: false })
  })
})

describe('bindings', () => {
  it('of a large app may take their time together, where none runs without end', async () => {
    const busy = '{{ (() => { for (const begun = performance.now(); performance.now() - begun < 40; ); return input.value })() }}'
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`text${index}`, shows(busy)]))
    const { runtime } = run({ components: { input: { type: 'text-input', properties: { 'default-value': 'x' } }, ...many } })
    await ready(runtime)
    expect(Object.keys(many).map((name) => value(runtime, name))).toEqual(Object.keys(many).map(() => ({ value: 'x' })))
  }, 15_000)

  it('are thousands without a search for each other', async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`text${index}`, shows(`{{ ${index === 0 ? 'input' : `text${index - 1}`}.value }}`)]))
    const { runtime } = run({ components: { input: { type: 'text-input', properties: { 'default-value': 'x' } }, ...many } })
    await ready(runtime)
    expect(value(runtime, 'text4999')).toEqual({ value: 'x' })
  }, 15_000)
})

describe('queries', () => {
  it('run on a page only when it needs them', async () => {
    const automatic = (parameters: string[] = [], more: Partial<RuntimeQuery> = {}) => read(parameters, { run: 'automatic', ...more })
    const { runtime, asked } = run({
      components: { list: { type: 'table', properties: { data: '{{ byName.value }}' } }, go: { type: 'button', properties: {}, events: [{ on: 'click', action: { do: 'run-query', query: 'clicked' } }] } },
      queries: { names: automatic(), wanted: automatic(['names.rows.length']), other: automatic(), clicked: automatic(), told: automatic([], { 'on-success': [{ do: 'notify', message: 'told' }] }), unheard: read([], { 'on-success': [{ do: 'run-query', query: 'other' }] }), unread: script('return other.rows') },
      transformers: { byName: { code: 'wanted.rows.toSorted()' } },
    })
    await ready(runtime)
    await vi.waitFor(() => expect(asked.map(({ name }) => name).sort()).toEqual(['clicked', 'names', 'told', 'wanted', 'wanted']))
    expect(asked.filter(({ name }) => name === 'wanted').map(({ parameters }) => parameters)).toEqual([{ 'names.rows.length': 0 }, { 'names.rows.length': 2 }])
  })

  it('give what their transformer makes of the answer', async () => {
    const { runtime } = run({ components: { shown: shows('{{ load.data.join() }} of {{ load.rows.length }}') }, queries: { load: read([], { run: 'load', transform: 'data.map((row) => row.name)' }) } })
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: 'Ada,Alan of 2' }), 5000)
  })

  it('lead to what follows them, and what should be new is asked for again', async () => {
    const { runtime, asked, said } = run({
      queries: {
        save: read([], { mode: 'write', refresh: ['list'], 'on-success': [{ do: 'notify', message: '{{ args.who }} saved', when: '{{ args.who }}' }, { do: 'notify', message: 'never', when: '{{ false }}' }] }),
        list: read(),
        bad: read([], { 'on-failure': [{ do: 'notify', message: '{{ bad.error }}' }] }),
      },
    }, {
      runQuery: async (name) => {
        asked.push({ name, parameters: {} })
        if (name === 'bad') throw new Error('refused')
        return {} as QueryResult
      },
    })
    await ready(runtime)
    await runtime.runQuery('save', { args: { who: 'Ada' } })
    await runtime.runQuery('bad')
    expect(said).toEqual(['Ada saved', 'refused'])
    expect(asked.map(({ name }) => name)).toEqual(['save', 'list', 'bad'])
  })

  it('that lead to themselves come to an end', async () => {
    const { runtime, asked, said } = run({ queries: { a: read([], { 'on-success': [{ do: 'run-query', query: 'b' }] }), b: read([], { 'on-success': [{ do: 'run-query', query: 'a' }] }) } })
    await ready(runtime)
    await runtime.runQuery('a')
    expect(asked.length).toBeLessThan(25)
    expect(said).toEqual([expect.stringContaining('leads to itself')])
  })

  it('that write are sent once, however often somebody clicks', async () => {
    const { runtime, asked } = run({ queries: { save: read(['args.id'], { mode: 'write' }) } })
    await ready(runtime)
    const outcomes = await Promise.all([1, 1, 1].map((id) => runtime.runQuery('save', { args: { id } })))
    expect(outcomes).toEqual([true, false, false])
    expect(asked).toHaveLength(1)
  })

  it('that write say so when a second one does not begin, also while the first still asks', async () => {
    let answer: (isSure: boolean) => void = () => undefined
    const { runtime, asked, said } = run({ queries: { approve: read(['args.id'], { mode: 'write', confirm: 'Sure?' }), both: script('await Promise.allSettled([approve.run({ id: 3 })])') } }, { confirm: () => new Promise((resolve) => void (answer = resolve)) })
    await ready(runtime)
    const first = runtime.runQuery('approve', { args: { id: 1 } })
    expect(await runtime.runQuery('approve', { args: { id: 2 } })).toBe(false)
    expect(said).toEqual(['approve is still running, so it was not run again.'])
    // A script says itself what becomes of it, and what runs by itself disturbs nobody.
    await runtime.runQuery('both')
    await runtime.runQuery('approve', { isAutomatic: true })
    answer(true)
    await first
    expect([said.length, asked.map(({ parameters }) => parameters)]).toEqual([1, [{ 'args.id': 1 }]])
  })

  it('do not run when their condition does not hold', async () => {
    const { runtime, asked } = run({ queries: { load: read([], { when: '{{ args.go }}' }) } })
    await ready(runtime)
    expect(await runtime.runQuery('load')).toBe(false)
    expect(await runtime.runQuery('load', { args: { go: true } })).toBe(true)
    expect(asked.length).toBe(1)
  })
})

describe('events', () => {
  const go = (events: NonNullable<NonNullable<Components>[string]['events']>): Components => ({ go: { type: 'button', properties: {}, events }, box: { type: 'modal', properties: {} } })

  it('do their actions one after the other, those whose condition holds', async () => {
    const { runtime, said } = run({
      components: go([
        { on: 'click', action: { do: 'set-state', variable: 'n', value: '{{ state.n.value + event.by }}' } },
        { on: 'click', action: { do: 'notify', message: 'now {{ state.n.value }}' }, when: '{{ state.n.value > 2 }}' },
        { on: 'click', action: { do: 'open', component: 'box' } },
        { on: 'other', action: { do: 'notify', message: 'never' } },
      ]),
      state: { n: { initial: 1 } },
    })
    await ready(runtime)
    await runtime.trigger('go', 'click', { by: 1 })
    await runtime.trigger('go', 'click', { by: 5 })
    expect(said).toEqual(['now 7'])
    expect(runtime.seen()['box']).toMatchObject({ isOpen: true })
  })

  it('wait until they have settled, or do not come too often', async () => {
    const { runtime, said } = run({ components: go([{ on: 'click', action: { do: 'notify', message: 'settled {{ event.n }}' }, 'debounce-ms': 60 }, { on: 'click', action: { do: 'notify', message: 'first {{ event.n }}' }, 'throttle-ms': 60_000 }]) })
    await ready(runtime)
    for (const n of [1, 2, 3]) await runtime.trigger('go', 'click', { n })
    await vi.waitFor(() => expect(said).toEqual(['first 1', 'settled 3']))
  })

  it('say what a component cannot do', async () => {
    const { runtime, said } = run({ components: go([{ on: 'click', action: { do: 'call', component: 'box', method: 'constructor' } }]) })
    await ready(runtime)
    await runtime.trigger('go', 'click')
    expect(said).toEqual([expect.stringContaining('a modal cannot do that: it has open, close')])
  })

  it('start a workflow with a value, and keep values in the browser', async () => {
    const started: unknown[] = []
    const { runtime, kept } = run(
      { components: go([{ on: 'click', action: { do: 'run-workflow', workflow: 'sync', body: { of: '{{ current_user.groups }}' } } }, { on: 'click', action: { do: 'set-local-storage', key: 'last', value: '{{ localStorage.last ?? 0 }}' } }]) },
      { runWorkflow: async (workflow, body) => void started.push([workflow, body]) },
    )
    await ready(runtime)
    await runtime.trigger('go', 'click')
    expect(started).toEqual([['sync', { of: ['finance'] }]])
    expect(kept()).toEqual({ last: 0 })
  })
})

describe('pages', () => {
  const pages: RuntimeDocument['pages'] = {
    home: { components: { shown: shows('{{ state.app.value }}') } },
    order: { route: 'orders/{id}', state: { draft: { initial: 'new' } }, components: { shown: shows('{{ url.parameters.id }} {{ state.draft.value }} {{ state.app.value }}') }, events: [{ on: 'open', action: { do: 'notify', message: 'opened {{ url.parameters.id }}' } }] },
  }

  it('have parameters, and state that begins anew while the app keeps its own', async () => {
    const shown: Address[] = []
    const { runtime, said } = run({ pages, state: { app: { initial: 'a' } } }, { showAddress: (address) => shown.push(address) })
    await ready(runtime)
    runtime.setVariable('app', 'b')
    runtime.navigate('order', { id: '7' })
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: '7 new b' }))
    runtime.setVariable('draft', 'typed')
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: '7 typed b' }))
    runtime.navigate('order', { id: '8' })
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: '8 new b' }))
    runtime.setUrl({ id: 9, view: 'all' }, 'top')
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: '9 new b' }))
    expect(shown.at(-1)).toEqual({ page: 'order', parameters: { id: '9', view: 'all' }, hash: 'top' })
    await vi.waitFor(() => expect(said).toEqual(['opened 7', 'opened 8']))
  })

  it('stay as they are when only what follows the # is new', async () => {
    const { runtime } = run({ pages, state: { app: {} } }, {}, { page: 'order', parameters: { id: '3' }, hash: '' })
    await ready(runtime)
    runtime.setVariable('draft', 'typed')
    runtime.revisit({ page: 'order', parameters: { id: '3' }, hash: 'top' })
    expect(runtime.seen()).toMatchObject({ url: { hash: 'top' }, state: { draft: { value: 'typed' } } })
    runtime.revisit({ page: 'order', parameters: { id: '4' }, hash: '' })
    expect(runtime.seen()['state']).toEqual({})
  })

  it('open where the address says', async () => {
    const { runtime } = run({ pages, state: { app: {} } }, {}, { page: 'order', parameters: { id: '3' }, hash: '' })
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: '3 new ' }), 5000)
  })
})

describe('state variables', () => {
  it('follow their first value until they are set', async () => {
    const { runtime } = run({ components: { n: { type: 'number-input', properties: { 'default-value': '1' } }, shown: shows('{{ state.x.value.twice }}') }, state: { x: { initial: { twice: '{{ n.value * 2 }}' } } } })
    await ready(runtime)
    expect(value(runtime, 'shown')).toEqual({ value: 2 })
    runtime.setComponent('n', { value: 5 })
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: 10 }))
    runtime.setVariable('x', { twice: 'set' })
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: 'set' }))
    runtime.resetVariable('x')
    await vi.waitFor(() => expect(value(runtime, 'shown')).toEqual({ value: 10 }))
  })
})

describe('handlers in the items of a list', () => {
  const at = (row: number, parent?: string) => ({ column: 0, row, width: 12, height: 2, ...(parent ? { parent } : {}) })
  type Events = NonNullable<NonNullable<Components>[string]['events']>
  const wait = { do: 'wait', ms: 60 } as const
  const tell = { do: 'notify', message: '{{ parcels.item.id }} at {{ parcels.index }} of {{ parcels.data.length }}' } as const

  /** A list of two parcels with a note and a button each. */
  async function listed(events: Events, given: Given = {}, more: Partial<RuntimeHost> = {}) {
    const page = {
      components: { parcels: { type: 'list', properties: { data: "{{ [{ id: 'a' }, { id: 'b' }] }}" } }, note: { type: 'text-input', properties: {}, events }, go: { type: 'button', properties: {}, events } },
      layout: { parcels: at(0), note: at(0, 'parcels'), go: at(2, 'parcels') },
    }
    const running = run({ ...given, pages: { home: page } }, more)
    await ready(running.runtime)
    return running
  }

  it('settle each on its own, and each sees its item', async () => {
    const { runtime, said } = await listed([{ on: 'change', action: tell, 'debounce-ms': 50 }, { on: 'click', action: tell, 'throttle-ms': 60_000 }])
    for (const row of [0, 1, 1]) void runtime.trigger(`note[${row}]`, 'change')
    await vi.waitFor(() => expect(said).toEqual(['a at 0 of 2', 'b at 1 of 2']))
    for (const row of [0, 1, 1]) await runtime.trigger(`go[${row}]`, 'click')
    expect(said.slice(2)).toEqual(['a at 0 of 2', 'b at 1 of 2'])
  })

  it('see and set what is of their item, though another one was pressed while they waited', async () => {
    const { runtime, said } = await listed([{ on: 'click', action: wait }, { on: 'click', action: { do: 'set-value', component: 'note', value: '{{ parcels.item.id }}!' } }, { on: 'click', action: tell, when: "{{ parcels.item.id === 'a' }}" }])
    await Promise.all([runtime.trigger('go[0]', 'click'), runtime.trigger('go[1]', 'click')])
    const { components } = runtime.store.getState()
    expect([components['note[0]'], components['note[1]'], said]).toEqual([{ value: 'a!' }, { value: 'b!' }, ['a at 0 of 2']])
    // For everybody else it is the one that was pressed last.
    expect(components.parcels).toMatchObject({ index: 1, item: { id: 'b' } })
  })

  it('run queries and scripts that see their item, and so does what follows them', async () => {
    const read = (name: string) => ({ do: 'run-query', query: name }) as const
    const { runtime, asked, said } = await listed([{ on: 'click', action: wait }, { on: 'click', action: read('load') }, { on: 'click', action: read('both') }], {
      queries: {
        load: { expressions: ['parcels.item.id'], mode: 'read', run: 'manual', 'on-success': [wait, { do: 'notify', message: 'loaded {{ parcels.item.id }}' }] },
        inner: { expressions: ['parcels.item.id'], mode: 'read', run: 'manual' },
        both: script('await utils.wait(30); await inner.run(); await note.setValue(parcels.item.id + parcels.index); return parcels.data.length'),
      },
    })
    void runtime.trigger('go[0]', 'click')
    runtime.setComponent('parcels', { item: { id: 'other' }, index: 1 })
    await vi.waitFor(() => expect(runtime.store.getState().components['note[0]']).toEqual({ value: 'a0' }))
    expect(asked.map(({ name, parameters }) => [name, parameters['parcels.item.id']])).toEqual([['load', 'a'], ['inner', 'a']])
    expect([said, runtime.store.getState().components['note[1]']]).toEqual([['loaded a'], undefined])
    await vi.waitFor(() => expect(dataOf(runtime, 'both')).toBe(2))
  })
})
