import { produce } from 'immer'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AppDocument } from '../src/api/types'
import { loadKinds } from '../src/builder/component-kinds'
import { addComponent, duplicateComponent, namesWithin, removeComponents, removeQuery, setSlots } from '../src/builder/edits'
import { clamp, gridFor, overlaps, place, resized } from '../src/builder/layout'
import { renameInTemplate } from '../src/document/rename'
import { renameEverywhere } from '../src/document/rename-everywhere'

const document: AppDocument = {
  format: 1,
  title: 'Shop',
  'home-page': 'home',
  pages: {
    home: {
      components: {
        search: { type: 'text-input', properties: { label: 'Search' } },
        list: { type: 'table', properties: { data: '{{ load.rows }}' }, events: [{ on: 'row-select', action: { do: 'run-query', query: 'load' } }] },
      },
      layout: { search: { column: 0, row: 0, width: 8, height: 2 }, list: { column: 0, row: 2, width: 24, height: 8 } },
    },
  },
  queries: { load: { resource: 'tables', statement: 'select * from t where name = {{ search.value }}', 'on-success': [{ do: 'set-value', component: 'search', value: '{{ load.rows.length }}' }] } },
}

beforeAll(() => loadKinds())

describe('the canvas', () => {
  it('never lets rectangles overlap', () => {
    const layout = place(document.pages.home?.layout ?? {}, { search: { column: 0, row: 1, width: 8, height: 4 } })
    const rects = Object.values(layout)
    expect(rects.some((a, i) => rects.some((b, j) => i < j && overlaps(a, b)))).toBe(false)
    expect(layout.list).toEqual({ column: 0, row: 5, width: 24, height: 8 })
  })

  it('keeps everything within 24 columns', () => {
    expect(clamp({ column: 22, row: -3, width: 8, height: 0 })).toEqual({ column: 16, row: 0, width: 8, height: 1 })
    expect(resized({ column: 20, row: 0, width: 4, height: 2 }, 'se', 9, -9)).toEqual({ column: 20, row: 0, width: 4, height: 1 })
    expect(resized({ column: 4, row: 0, width: 4, height: 2 }, 'w', -9, 0)).toEqual({ column: 0, row: 0, width: 8, height: 2 })
  })
})

describe('components in components', () => {
  const nested = produce(document, (draft) => {
    addComponent(draft, 'home', 'box', { type: 'container' }, { column: 0, row: 20, width: 12, height: 6 })
    addComponent(draft, 'home', 'name', { type: 'text-input' }, { column: 0, row: 0, width: 12, height: 2, parent: 'box' })
    addComponent(draft, 'home', 'open', { type: 'button', events: [{ on: 'click', action: { do: 'reset', component: 'name' } }] }, { column: 0, row: 30, width: 4, height: 1 })
  })

  it('make room only on their own grid', () => {
    expect(nested.pages.home?.layout?.search?.row).toBe(0)
    const more = produce(nested, (draft) => addComponent(draft, 'home', 'city', { type: 'text-input' }, { column: 0, row: 0, width: 12, height: 2, parent: 'box' }))
    expect(more.pages.home?.layout?.name?.row).toBe(2)
    expect(more.pages.home?.layout?.search?.row).toBe(0)
  })

  it('go with what is around them, and so do the actions on them', () => {
    expect(namesWithin(nested.pages.home?.layout ?? {}, 'box')).toEqual(['name'])
    const without = produce(nested, (draft) => removeComponents(draft, 'home', ['box']))
    expect(Object.keys(without.pages.home?.components ?? {})).toEqual(['search', 'list', 'open'])
    expect(without.pages.home?.components?.open?.events).toEqual([])
  })

  it('are copied with it', () => {
    const copied = produce(nested, (draft) => void duplicateComponent(draft, 'home', 'box', renameInTemplate))
    expect(copied.pages.home?.layout?.name2).toMatchObject({ parent: 'box2', row: 0 })
    expect(copied.pages.home?.layout?.box2).toMatchObject({ row: 26 })
  })

  it('refer to each other after they were copied, and to the rest as before', () => {
    const linked = produce(nested, (draft) => {
      const components = draft.pages.home?.components ?? {}
      if (components.name) components.name.properties = { label: '{{ name.value }} of {{ search.value }}' }
      if (components.box) components.box.events = [{ on: 'submit', action: { do: 'set-value', component: 'name', value: '{{ box.data.name }}' } }]
    })
    const { components } = produce(linked, (draft) => void duplicateComponent(draft, 'home', 'box', renameInTemplate)).pages.home ?? {}
    expect(components?.name2?.properties?.label).toBe('{{ name2.value }} of {{ search.value }}')
    expect(components?.box2?.events?.[0]?.action).toEqual({ do: 'set-value', component: 'name2', value: '{{ box2.data.name }}' })
    expect(components?.name?.properties?.label).toBe('{{ name.value }} of {{ search.value }}')
  })

  it('are added where the selection is', () => {
    const { home } = nested.pages
    expect(gridFor(home, 'box', () => undefined)).toEqual({ parent: 'box' })
    expect(gridFor(home, 'box', () => 'second')).toEqual({ parent: 'box', slot: 'second' })
    expect(gridFor(home, 'name', () => undefined)).toEqual({ parent: 'box' })
    expect(gridFor(home, 'search', () => undefined)).toEqual({})
    expect(gridFor(home, undefined, () => undefined)).toEqual({})
  })

  it('stay in a tab whose value is changed', () => {
    const withTabs = produce(nested, (draft) => {
      addComponent(draft, 'home', 'parts', { type: 'tabs', properties: { tabs: [{ value: 'a', label: 'A' }, { value: 'b', label: 'B' }] } }, { column: 0, row: 60, width: 12, height: 6 })
      addComponent(draft, 'home', 'inA', { type: 'text' }, { column: 0, row: 0, width: 4, height: 1, parent: 'parts', slot: 'a' })
      setSlots(draft, 'home', 'parts', 'tabs', [{ value: 'first', label: 'A' }, { value: 'b', label: 'B' }])
    })
    expect(withTabs.pages.home?.layout?.inA?.slot).toBe('first')
    const swapped = produce(withTabs, (draft) => setSlots(draft, 'home', 'parts', 'tabs', [{ value: 'b', label: 'B' }, { value: 'first', label: 'A' }]))
    expect(swapped.pages.home?.layout?.inA?.slot).toBe('first')
  })

  it('follow its new name', () => {
    const renamed = produce(nested, (draft) => renameEverywhere(draft, 'box', 'frame'))
    expect(renamed.pages.home?.layout?.name?.parent).toBe('frame')
  })
})

describe('edits of an app', () => {
  it('make room for what is added', () => {
    const next = produce(document, (draft) => addComponent(draft, 'home', 'title', { type: 'text' }, { column: 0, row: 0, width: 24, height: 1 }))
    expect(next.pages.home?.layout?.search?.row).toBe(1)
    expect(next.pages.home?.layout?.list?.row).toBe(3)
  })

  it('rename everything that refers to the renamed', () => {
    const next = produce(document, (draft) => renameEverywhere(draft, 'search', 'term'))
    expect(next.queries?.load?.statement).toContain('{{ term.value }}')
    expect(next.queries?.load?.['on-success']?.[0]).toMatchObject({ component: 'term' })
    expect(Object.keys(next.pages.home?.layout ?? {})).toEqual(['term', 'list'])
  })

  it('take the actions on what is removed along', () => {
    const withoutSearch = produce(document, (draft) => removeComponents(draft, 'home', ['search']))
    expect(withoutSearch.queries?.load?.['on-success']).toEqual([])
    const withoutQuery = produce(document, (draft) => removeQuery(draft, 'load'))
    expect(withoutQuery.pages.home?.components?.list?.events).toEqual([])
  })
})
