import { produce } from 'immer'
import { describe, expect, it, vi } from 'vitest'
import type { AppDocument, QueryResult } from '../src/api/types'
import { freeName, nameProblem, removeComponents } from '../src/builder/edits'
import { clipOf } from '../src/builder/clipboard'
import { literalOf } from '../src/builder/modules/literal'
import { canonical, canonicalText } from '../src/document/canonical'
import { lint } from '../src/document/lint'
import { moduleOf } from '../src/document/module-names'
import { type ModuleRelease, circleOf, copiedModule, sizeOf, withModule } from '../src/document/modules'
import { renameEverywhere } from '../src/document/rename-everywhere'
import { type RuntimeQuery, scriptQueries } from '../src/runtime/model'
import { AppRuntime } from '../src/runtime/runtime'

vi.mock('../src/evaluator/sandbox', () => import('./sandbox-in-node'))

const at = (row: number, parent?: string) => ({ column: 0, row, width: 12, height: 2, ...(parent ? { parent } : {}) })

const card: AppDocument = {
  format: 1,
  title: 'Card',
  'home-page': 'main',
  pages: {
    main: {
      components: {
        box: { type: 'container' },
        title: { type: 'text', properties: { value: '{{ module.customer.name }} ({{ load.rows.length }}, {{ state.tries.value }})' } },
        name: { type: 'text-input', properties: { 'default-value': '{{ module.customer.name }}' } },
        save: { type: 'button', events: [{ on: 'click', action: { do: 'run-query', query: 'store' } }, { on: 'click', action: { do: 'set-state', variable: 'tries', value: '{{ state.tries.value + 1 }}' } }] },
      },
      layout: { box: at(0), title: at(0, 'box'), name: at(2), save: at(4) },
    },
  },
  queries: { load: { resource: 'tables', statement: 'select * from orders where customer = {{ module.customer.id }}', 'hidden-parameters': ['module.customer.id'] } },
  scripts: { store: { code: "await state.tries.set(state['tries'].value + 10)\nconst title = name.value\nreturn module.raise('saved', { title })" } },
  transformers: { upper: { code: 'name.value.toUpperCase()' } },
  state: { tries: { initial: '{{ 0 }}' } },
  module: { inputs: { customer: { type: 'object' }, most: { type: 'number', default: 5 } }, outputs: { typed: '{{ upper.value }}' }, events: { saved: 'When it was saved' } },
}
const release: ModuleRelease = { module: 'card', version: 3, document: card }
const app: AppDocument = { format: 1, title: 'App', 'home-page': 'home', pages: { home: { components: { name: { type: 'text', properties: { value: '{{ name.value }}' } } }, layout: { name: at(0) } } }, queries: {} }
const rect = { column: 0, row: 3, width: 12, height: 6 }
const one = withModule(app, 'home', 'one', release, rect)

describe('a module in an app', () => {
  it('has its parts under names that begin with that of its component', () => {
    const { components = {}, layout = {} } = one.pages.home ?? {}
    expect(Object.keys(components)).toEqual(['name', 'one', 'one__box', 'one__title', 'one__name', 'one__save'])
    expect(components.one).toEqual({ type: 'module', properties: { most: 5, typed: '{{ one__upper.value }}' } })
    expect(components.one__title?.properties?.value).toBe('{{ one.customer.name }} ({{ one__load.rows.length }}, {{ state.one__tries.value }})')
    expect(components.one__save?.events?.map(({ action }) => action)).toEqual([{ do: 'run-query', query: 'one__store' }, { do: 'set-state', variable: 'one__tries', value: '{{ state.one__tries.value + 1 }}' }])
    expect([layout.one, layout.one__box?.parent, layout.one__title?.parent]).toEqual([rect, 'one', 'one__box'])
    expect(one.queries?.one__load).toMatchObject({ statement: 'select * from orders where customer = {{ one.customer.id }}', 'hidden-parameters': ['one.customer.id'] })
    expect(one.scripts?.one__store?.code).toBe("await state.one__tries.set(state[\"one__tries\"].value + 10)\nconst one__title = one__name.value\nreturn one.raise('saved', { title: one__title })")
    expect(Object.keys({ ...one.transformers, ...one.state })).toEqual(['one__upper', 'one__tries'])
    expect(one.modules).toEqual({ one: { module: 'card', version: 3, ports: card.module } })
    // What the app has itself stays.
    expect(components.name).toEqual(app.pages.home?.components?.name)
    expect(sizeOf(card)).toEqual({ width: 24, height: 7 })
  })

  it('never meets another of the same', () => {
    const two = withModule(one, 'home', 'two', release, { ...rect, row: 20 })
    expect(two.pages.home?.components?.two__title?.properties?.value).toContain('state.two__tries.value')
    expect(two.pages.home?.components?.one__title).toEqual(one.pages.home?.components?.one__title)
    const copy = copiedModule(one, 'home', 'one', 'two', { ...rect, row: 20 })
    expect(canonical(copy)).toEqual(canonical(two))
  })

  it('takes a newer release, with what it was given and what its events do', () => {
    const used = produce(one, (draft) => {
      const component = draft.pages['home']?.components?.['one']
      if (component) Object.assign(component, { properties: { ...component.properties, customer: '{{ rows[0] }}', hidden: true }, events: [{ on: 'saved', action: { do: 'notify', message: 'x' } }, { on: 'gone', action: { do: 'notify', message: 'y' } }] })
    })
    const next: AppDocument = { ...card, queries: {}, pages: { main: { components: { title: { type: 'text' } }, layout: { title: at(0) } } }, module: { inputs: { customer: { type: 'object' } }, events: { saved: '' } } }
    const updated = withModule(used, 'home', 'one', { module: 'card', version: 4, document: next }, rect)
    expect(Object.keys(updated.pages.home?.components ?? {})).toEqual(['name', 'one', 'one__title'])
    expect(updated.pages.home?.components?.one).toEqual({ type: 'module', properties: { customer: '{{ rows[0] }}', hidden: true }, events: [{ on: 'saved', action: { do: 'notify', message: 'x' } }] })
    expect([updated.queries, updated.modules?.one?.version]).toEqual([{}, 4])
  })

  it('is renamed with all of its parts, and goes with them', () => {
    const renamed = produce(one, (draft) => renameEverywhere(draft, 'one', 'detail'))
    expect(canonical(renamed)).toEqual(canonical(withModule(app, 'home', 'detail', release, rect)))
    const removed = produce(one, (draft) => removeComponents(draft, 'home', ['one']))
    expect(canonical(removed)).toEqual(canonical(app))
  })

  it('is not copied as components are, and its parts have no findings here', () => {
    expect(clipOf(one, 'home', ['one', 'name'])?.components).toHaveProperty('name')
    expect(clipOf(one, 'home', ['one'])).toBeUndefined()
    expect(moduleOf(one, 'one__title')).toBe('one')
    expect(moduleOf(one, 'name')).toBeUndefined()
    const broken = withModule(app, 'home', 'one', { ...release, document: { ...card, queries: { bad: { resource: 'tables', statement: '{{ nosuch.value }}' } } } }, rect)
    expect(lint(broken, { members: () => undefined, slow: {} }).map(({ message }) => message)).toEqual([])
    expect(lint(card, { members: () => undefined, slow: {} }).map(({ message }) => message)).toEqual([])
  })

  it('stands in another module, but none in itself', () => {
    const outer: AppDocument = { ...withModule({ ...app, module: {} }, 'home', 'inner', release, rect), module: { outputs: { typed: '{{ inner.typed }}' } } }
    const nested = withModule({ ...app, pages: { home: {} } }, 'home', 'out', { module: 'outer', version: 1, document: outer }, rect)
    expect(nested.modules).toMatchObject({ out: { module: 'outer' }, out__inner: { module: 'card' } })
    expect(nested.pages.home?.components?.out__inner__title?.properties?.value).toContain('{{ out__inner.customer.name }} ({{ out__inner__load.rows.length }}')
    expect(nested.pages.home?.components?.out?.properties).toEqual({ typed: '{{ out__inner.typed }}' })
    expect(nested.pages.home?.layout?.out__inner__title?.parent).toBe('out__inner__box')
    expect(moduleOf(nested, 'out__inner__title')).toBe('out')
    expect(circleOf({ module: 'outer', version: 1, document: outer }, 'card')).toContain('has card in it')
    expect(circleOf(release, 'card')).toContain('in itself')
    expect(circleOf(release, 'app')).toBeUndefined()
  })

  it('keeps the names that begin with its own for itself', () => {
    expect(freeName(one, 'one')).toBe('one2')
    expect(freeName(one, 'one__title')).toBe('one_title')
    expect(nameProblem(one, 'one__other')).toContain('of that module')
    const own: AppDocument = { ...app, state: { card__x: {} } }
    expect(freeName(own, 'card')).toBe('card2')
    expect(nameProblem(own, 'card')).toContain('begin with card__')
    expect(nameProblem({ ...app, module: {} }, 'module')).toContain('already')
  })

  it('says when a name becomes too long', () => {
    const long: AppDocument = { ...card, queries: { ['q'.repeat(60)]: { resource: 'tables', statement: 'select 1' } } }
    expect(() => withModule(app, 'home', 'one', { ...release, document: long }, rect)).toThrow('longer than 63 characters')
  })

  it('stays a module in an export, though it takes and gives nothing', () => {
    expect(JSON.parse(canonicalText({ ...app, module: {} })).module).toEqual({})
    expect(JSON.parse(canonicalText(app))).not.toHaveProperty('module')
  })

  it('runs as a part of the app: inputs, outputs, state, queries and events', async () => {
    const asked: [string, unknown][] = []
    const said: string[] = []
    const used = produce(withModule(one, 'home', 'two', release, { ...rect, row: 20 }), (draft) => {
      const components = draft.pages['home']?.components
      if (!components) return
      components['one'] = { ...components['one'], type: 'module', properties: { ...components['one']?.properties, customer: "{{ { id: 7, name: 'Ada' } }}" }, events: [{ on: 'saved', action: { do: 'notify', message: 'saved {{ event.title }}, {{ one.typed }}' } }] }
      components['two'] = { ...components['two'], type: 'module', properties: { ...components['two']?.properties, customer: "{{ { id: 8, name: one.typed } }}" } }
    })
    const read = (expressions: string[]): RuntimeQuery => ({ expressions, mode: 'read', run: 'automatic' })
    const runtime = new AppRuntime(
      { ...used, transformers: used.transformers ?? {}, state: used.state ?? {}, queries: { one__load: read(['one.customer.id']), two__load: read(['two.customer.id']), ...scriptQueries(used.scripts) } },
      {
        globals: {},
        storage: { read: () => ({}), write: () => undefined },
        confirm: async () => true,
        notify: (text) => said.push(text),
        runWorkflow: async () => undefined,
        runQuery: async (name, parameters) => {
          asked.push([name, parameters])
          return { rows: [{ id: 1 }, { id: 2 }] } as unknown as QueryResult
        },
      },
    )
    const shown = (name: string) => runtime.store.getState().shown[`${name}.value`]
    await vi.waitFor(() => expect(shown('two__title')).toEqual({ value: 'ADA (2, 0)' }), 5000)
    expect(shown('one__title')).toEqual({ value: 'Ada (2, 0)' })
    expect(asked.sort()).toEqual([['one__load', { 'one.customer.id': 7 }], ['two__load', { 'two.customer.id': 8 }]])
    await runtime.trigger('one__save', 'click')
    await vi.waitFor(() => expect(shown('one__title')).toEqual({ value: 'Ada (2, 11)' }))
    expect(said).toEqual(['saved Ada, ADA'])
    expect(shown('two__title')).toEqual({ value: 'ADA (2, 0)' })
    runtime.close()
  })
})

describe('what is written for an input', () => {
  it('becomes a value of its type, and else stays as it was typed', () => {
    expect([literalOf('number', '12'), literalOf('number', '1.'), literalOf('number', '1.0'), literalOf('number', '{{ x }}')]).toEqual([12, '1.', '1.0', '{{ x }}'])
    expect([literalOf('list', '[1]'), literalOf('list', '{}'), literalOf('object', '{"a":1}'), literalOf('object', 'null')]).toEqual([[1], '{}', { a: 1 }, 'null'])
    expect([literalOf('flag', 'true'), literalOf('text', '12'), literalOf('any', '12')]).toEqual([true, '12', '12'])
  })
})
