import { produce } from 'immer'
import { describe, expect, it } from 'vitest'
import type { AppDocument } from '../src/api/types'
import { addComponent, removeComponents, removeQuery, renameEverywhere } from '../src/builder/edits'
import { clamp, overlaps, place, resized } from '../src/builder/layout'
import { renameInTemplate } from '../src/document/rename'

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

describe('edits of an app', () => {
  it('make room for what is added', () => {
    const next = produce(document, (draft) => addComponent(draft, 'home', 'title', { type: 'text' }, { column: 0, row: 0, width: 24, height: 1 }))
    expect(next.pages.home?.layout?.search?.row).toBe(1)
    expect(next.pages.home?.layout?.list?.row).toBe(3)
  })

  it('rename everything that refers to the renamed', () => {
    const next = produce(document, (draft) => renameEverywhere(draft, 'search', 'term', (text) => renameInTemplate(text, 'search', 'term')))
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
