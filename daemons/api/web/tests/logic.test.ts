import { produce } from 'immer'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AppDocument } from '../src/api/types'
import { completionsAt } from '../src/builder/assist/complete'
import { removeQuery, removeState } from '../src/builder/edits'
import { find, findReferences } from '../src/document/find'
import { lint } from '../src/document/lint'
import { placesOf } from '../src/document/places'
import { renameEverywhere, renameState } from '../src/document/rename-everywhere'
import { ownersByName, sourceOf } from '../src/document/why'
import { addressText, readAddress } from '../src/runtime/address'
import { csvOf } from '../src/runtime/csv'
import { browserStorage, withKept } from '../src/runtime/storage'
import { Timers } from '../src/runtime/timers'

const app: AppDocument = {
  format: 1,
  title: 'Orders',
  'home-page': 'home',
  pages: {
    home: {
      events: [{ on: 'open', action: { do: 'run-query', query: 'load', arguments: { of: '{{ search.value }}' } } }],
      state: { draft: { initial: { by: '{{ search.value }}' } } },
      components: {
        search: { type: 'text-input', properties: { label: 'search' } },
        list: {
          type: 'table',
          properties: { data: '{{ load.rows.filter((row) => row.search === search.value) }}' },
          events: [
            { on: 'row-select', action: { do: 'set-state', variable: 'picked', value: '{{ list.selectedRow.id }}' }, when: '{{ search.value }}' },
            { on: 'row-select', action: { do: 'call', component: 'search', method: 'setValue', arguments: ['{{ state.picked.value }}'] } },
            { on: 'row-select', action: { do: 'download', value: '{{ load.rows }}', 'file-name': '{{ search.value }}.csv' } },
          ],
        },
      },
      layout: { search: { column: 0, row: 0, width: 8, height: 2 }, list: { column: 0, row: 2, width: 24, height: 8 } },
    },
  },
  queries: {
    load: { resource: 'tables', statement: 'select * from t where name = {{ search.value }}', transform: 'data.filter((row) => row.name !== search.value)', refresh: ['load2'], when: '{{ search.value }}', 'on-failure': [{ do: 'set-value', component: 'search', value: '{{ load.error }}', when: '{{ state.picked.value }}' }] },
    load2: { resource: 'tables', statement: 'select 1', run: 'manual' },
  },
  scripts: { tidy: { code: "await load.run({ search: search.value })\nconst { value } = search\nawait state.picked.set(value)\nawait state['picked'].reset()\nreturn { search }" } },
  transformers: { names: { code: 'load.rows.map((row) => row.name + search.value)' } },
  state: { picked: { initial: '{{ search.value }}' } },
}

const texts = (document: AppDocument) => placesOf(document).map(({ text }) => text)

describe('renaming', () => {
  it('reaches the arguments of a query of the library, and the parameters that are kept out of the audit trail', () => {
    const query = { resource: 'tables', library: { query: 'orders-of', arguments: { customer: 'search.value', since: 'state.picked.value' } }, 'hidden-parameters': ['search.value', 'state.picked.value'] }
    const given: AppDocument = { ...app, queries: { ...app.queries, orders: query } }
    const next = produce(given, (draft) => {
      renameEverywhere(draft, 'search', 'term')
      renameState(draft, 'picked', 'chosen')
    })
    expect(next.queries?.orders).toEqual({ resource: 'tables', library: { query: 'orders-of', arguments: { customer: 'term.value', since: 'state.chosen.value' } }, 'hidden-parameters': ['term.value', 'state.chosen.value'] })
    expect(findReferences(given, 'search').filter(({ owner }) => owner.name === 'orders').map(({ at }) => at)).toEqual(['argument customer', 'hidden parameter'])
    const broken: AppDocument = { ...app, queries: { ...app.queries, orders: { ...query, library: { query: 'orders-of', arguments: { customer: 'nosuch.value' } }, 'hidden-parameters': [] } } }
    expect(lint(broken, { members: () => undefined, slow: {} })).toContainEqual(expect.objectContaining({ at: 'argument customer', message: 'nosuch is not the name of anything in this app.' }))
  })

  it('reaches every place that reads or names a component, and nothing else', () => {
    const next = produce(app, (draft) => renameEverywhere(draft, 'search', 'term'))
    expect(texts(next).filter((text) => /\bsearch\b/.test(text))).toEqual([
      'search',
      '{{ load.rows.filter((row) => row.search === term.value) }}',
      "await load.run({ search: term.value })\nconst { value } = term\nawait state.picked.set(value)\nawait state['picked'].reset()\nreturn { search: term }",
    ])
    expect(texts(next).filter((text) => text === 'term')).toHaveLength(2)
  })

  it('reaches every place that runs a query', () => {
    const next = produce(app, (draft) => renameEverywhere(draft, 'load2', 'reload'))
    expect(next.queries?.load?.refresh).toEqual(['reload'])
    expect(Object.keys(next.queries ?? {})).toEqual(['load', 'reload'])
  })

  it('of a state variable leaves what has the same name otherwise', () => {
    const next = produce(app, (draft) => renameState(draft, 'picked', 'chosen'))
    expect(texts(next).join(' ')).not.toContain('picked')
    expect(next.scripts?.tidy?.code).toContain('state["chosen"].reset()')
    expect(next.state).toEqual({ chosen: { initial: '{{ search.value }}' } })
  })
})

describe('removing', () => {
  it('takes along what runs a query or sets a variable', () => {
    expect(produce(app, (draft) => removeQuery(draft, 'load2')).queries?.load?.refresh).toEqual([])
    const without = produce(app, (draft) => removeState(draft, 'picked'))
    expect(without.pages.home?.components?.list?.events).toHaveLength(2)
  })
})

describe('finding', () => {
  it('looks into names, properties, events, queries and code', () => {
    expect(find(app, 'PICKED').map(({ owner, at }) => `${owner.kind} ${owner.name} ${at}`)).toEqual([
      'state picked ',
      'component list row-select → set-state',
      'component list row-select → call',
      'query load failure, only when',
      'script tidy code',
    ])
  })

  it('knows references from mere words', () => {
    const found = findReferences(app, 'load2')
    expect(found.map(({ owner, at }) => [owner.name, at])).toEqual([['load', 'runs again after it']])
    expect(findReferences(app, 'state.picked').map(({ owner }) => owner.name)).toEqual(['list', 'list', 'load', 'tidy'])
  })
})

describe('the linter', () => {
  const of = (parts: Partial<AppDocument>, known: Partial<Parameters<typeof lint>[1]> = {}) =>
    lint({ ...app, queries: {}, scripts: {}, transformers: {}, state: {}, pages: { home: {} }, ...parts }, { members: () => undefined, slow: {}, ...known }).map(({ owner, message }) => `${owner.name}: ${message}`)
  const text = (value: string): AppDocument['pages'] => ({ home: { components: { shown: { type: 'text', properties: { value } } }, layout: {} } })

  it('finds nothing wrong where nothing is', () => {
    expect(lint(app, { members: () => undefined, slow: {} }).filter(({ tone }) => tone === 'error')).toEqual([])
  })

  it('names what is not there', () => {
    expect(of({ pages: text('{{ nosuch.value + Math.max(1) }} {{ state.gone.value }} {{ [1].map((row) => row) }}') })).toEqual(['shown: nosuch is not the name of anything in this app.', 'shown: There is no state variable gone.'])
    expect(of({ pages: text('{{ load.row }}'), queries: { load: { resource: 'tables', statement: 'select 1' } } })).toEqual([expect.stringContaining('load.row is nothing that a query has: it has affected')])
    expect(of({ pages: text('{{ a + }}') })).toEqual([expect.stringContaining('shown: Unexpected token')])
  })

  it('names columns that rows do not have, once they are known', () => {
    const pages = text('{{ load.rows[0].naem }} {{ load.rows[0].name }} {{ load.rows.map((row) => row.x) }} {{ load.rows[0].toString() }}')
    const members = (path: readonly string[]) => (path.join('.') === 'load.rows.0' ? ['id', 'name'] : undefined)
    expect(of({ pages, queries: { load: { resource: 'tables', statement: 'select 1' } } }, { members })).toEqual(['shown: load.rows[0] has no naem: it has id, name.'])
  })

  it('names what nobody uses, and what is slow', () => {
    const found = of({ pages: text('x'), queries: { load: { resource: 'tables', statement: 'select 1' } }, scripts: { tidy: { code: '1' } }, transformers: { names: { code: '1' } }, state: { picked: {} } }, { slow: { 'shown.value': 40 } })
    expect(found).toEqual(['load: Nothing uses the query load.', 'tidy: Nothing uses the script tidy.', 'names: Nothing uses the transformer names.', 'picked: Nothing uses the state variable picked.', expect.stringContaining('shown: Took 40 ms')])
  })
})

describe('why a value is what it is', () => {
  it('leads from a text to what it reads', () => {
    const places = placesOf(app)
    const owners = ownersByName(app)
    expect(sourceOf(places, owners, 'list.data')).toMatchObject({ owner: { kind: 'component', name: 'list' }, reads: ['load.rows', 'search.value'] })
    expect(sourceOf(places, owners, 'load.rows').reads).toEqual(['search.value'])
    expect(sourceOf(places, owners, 'load.data').text).toContain('data.filter')
    expect(sourceOf(places, owners, 'state.picked')).toMatchObject({ text: '{{ search.value }}', reads: ['search.value'] })
    expect(sourceOf(places, owners, 'current_user.name')).toMatchObject({ owner: undefined, reads: [] })
  })
})

describe('completion', () => {
  const values = { search: { value: 'a', label: 'x' }, list: { rows: [{ id: 1 }], 'odd name': 1 }, state: { picked: { value: 1 } } }
  const at = (before: string, isCode = false, methods: (name: string) => string[] = () => []) => completionsAt(before, isCode, values, (name) => methods(name).map((label) => ({ label, detail: '', isMethod: true })))?.options.map(({ label }) => label)

  it('offers names and members in bindings alone', () => {
    expect(at('se')).toBeUndefined()
    expect(at('{{ se')).toEqual(['search'])
    expect(at('{{ ')).toEqual(['list', 'search', 'state'])
    expect(at('{{ search.')).toEqual(['label', 'value'])
    expect(at('{{ state?.picked.va')).toEqual(['value'])
    expect(at('{{ list.')).toEqual(['rows'])
    expect(at('{{ list.rows.fi')).toEqual(['filter', 'find'])
    expect(at('{{ list.rows[0].')).toEqual(['id'])
    expect(at('{{ search.value }} se')).toBeUndefined()
    expect(at("{{ 'se")).toBeUndefined()
    expect(at('{{ nosuch.')).toBeUndefined()
  })

  it('offers methods in code', () => {
    expect(at('await search.se', true, () => ['setValue', 'reset'])).toEqual(['setValue'])
  })
})

describe('addresses of pages', () => {
  const pages = { home: {}, order: { route: 'orders/{id}' }, open: { route: 'orders/open' }, plain: {} }
  const read = (path: string, search = '', hash = '') => readAddress(pages, 'home', { path, search, hash })

  it.each([
    [{ page: 'home', parameters: {}, hash: '' }, ''],
    [{ page: 'home', parameters: { q: 'a b' }, hash: 'top' }, '?q=a+b#top'],
    [{ page: 'order', parameters: { id: 'a/b', view: 'all' }, hash: '' }, '/orders/a%2Fb?view=all'],
    [{ page: 'plain', parameters: {}, hash: '' }, '/plain'],
  ])('%o is written as %s, and read again', (address, text) => {
    expect(addressText(pages, 'home', address)).toBe(text)
    const url = new URL(`https://x${text.startsWith('/') ? text : `/${text}`}`)
    expect(read(url.pathname, url.search, url.hash)).toEqual(address)
  })

  it('prefer a plain route, and know what is none', () => {
    expect(read('/orders/open')?.page).toBe('open')
    expect(read('/nosuch')).toBeUndefined()
    expect(read('/orders/1/2')).toBeUndefined()
    expect(read('/%')).toBeUndefined()
    expect(addressText(pages, 'home', { page: 'order', parameters: { id: '..' }, hash: '' })).toBe('/orders/-')
    expect(read('', '?__proto__=x')?.parameters).toEqual(Object.fromEntries([['__proto__', 'x']]))
  })
})

describe('files of rows', () => {
  it('quote what must be, and run nothing in a spreadsheet', () => {
    expect(csvOf([{ a: 1, b: 'x,"y"' }, { a: -2, c: '=1+1' }, { b: '-5', c: '-cmd' }])).toBe('\uFEFFa,b,c\r\n1,"x,""y""",\r\n-2,,\'=1+1\r\n,-5,\'-cmd\r\n')
    expect(csvOf('x')).toBeUndefined()
  })
})

describe('what is kept in the browser', () => {
  beforeEach(() => {
    const kept = new Map<string, string>()
    vi.stubGlobal('localStorage', { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => kept.set(key, value), removeItem: (key: string) => kept.delete(key) })
  })
  afterEach(() => vi.unstubAllGlobals())

  it("is an app's and a person's own, and has an end", () => {
    const storage = browserStorage('crm', '1')
    expect(storage.write(withKept({}, 'last', { a: 1 }))).toBeUndefined()
    expect(storage.read()).toEqual({ last: { a: 1 } })
    expect(browserStorage('crm', '2').read()).toEqual({})
    expect(storage.write({ big: 'x'.repeat(300_000) })).toContain('at most 200,000 characters')
    expect(storage.read()).toEqual({ last: { a: 1 } })
    expect(withKept(storage.read(), 'last', null)).toEqual({})
    localStorage.setItem('bulkhead.app.crm.1', '[broken')
    expect(storage.read()).toEqual({})
  })
})

describe('timers', () => {
  const page = { visibilityState: 'visible', listeners: new Set<() => void>(), addEventListener: (_: string, listener: () => void) => page.listeners.add(listener), removeEventListener: (_: string, listener: () => void) => page.listeners.delete(listener) }
  const turn = (state: string) => {
    page.visibilityState = state
    page.listeners.forEach((listener) => listener())
  }
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('document', page)
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  it('repeat, rest while the page is hidden, and catch up once', () => {
    let count = 0
    const timers = new Timers()
    timers.set({ load: { everyMs: 1000, run: () => (count += 1) } })
    vi.advanceTimersByTime(3100)
    expect(count).toBe(3)
    turn('hidden')
    vi.advanceTimersByTime(60_000)
    expect(count).toBe(3)
    turn('visible')
    expect(count).toBe(4)
    vi.advanceTimersByTime(1000)
    expect(count).toBe(5)
    timers.set({})
    vi.advanceTimersByTime(5000)
    expect(count).toBe(5)
    timers.close()
    expect(page.listeners.size).toBe(0)
  })
})
