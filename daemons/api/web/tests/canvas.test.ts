import { produce } from 'immer'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AppDocument, Page } from '../src/api/types'
import { zoomBy } from '../src/builder/canvas-view'
import { clipOf } from '../src/builder/clipboard'
import { loadKinds } from '../src/builder/component-kinds'
import { moveComponents, removeComponents, setSlots } from '../src/builder/edits'
import { guidesFor } from '../src/builder/guides'
import { overlaps } from '../src/builder/layout'
import { parseClip, pasteClip } from '../src/builder/paste'
import { resetPhoneLayout } from '../src/builder/phone-edits'
import { renameInTemplate } from '../src/document/rename'
import { renameEverywhere } from '../src/document/rename-everywhere'
import { hasPhoneLayout, phoneLayoutOf } from '../src/runtime/phone-layout'

beforeAll(() => loadKinds())

const rect = (column: number, row: number, width: number, height: number, parent?: string) => ({ column, row, width, height, ...(parent ? { parent } : {}) })

const app: AppDocument = {
  format: 1,
  title: 'Shop',
  'home-page': 'home',
  pages: {
    home: {
      components: {
        box: { type: 'container' },
        name: { type: 'text-input', properties: { label: 'Name' } },
        go: { type: 'button', properties: { label: '{{ name.value }} and {{ other.value }}' }, events: [{ on: 'click', action: { do: 'reset', component: 'name' }, when: '{{ name.value !== other.value }}' }, { on: 'click', action: { do: 'run-query', query: 'load' } }] },
        other: { type: 'text-input' },
      },
      layout: { box: rect(0, 2, 12, 6), name: rect(0, 0, 12, 2, 'box'), go: rect(12, 0, 12, 1, 'box'), other: rect(0, 0, 8, 2) },
    },
    empty: { components: {}, layout: {} },
  },
  queries: { load: { resource: 'tables', statement: 'select 1' } },
}

describe('copying and pasting', () => {
  const text = () => JSON.stringify(clipOf(app, 'home', ['box']))

  it('takes along what stands in a container, and refers to its copies', () => {
    const clip = parseClip(text())
    if (!clip) throw new Error('no clip')
    let names: string[] = []
    const after = produce(app, (draft) => void (names = pasteClip(draft, 'home', clip, {}, renameInTemplate)))
    expect(names).toEqual(['box2'])
    const { components, layout } = after.pages.home ?? {}
    expect(layout?.name2).toEqual(rect(0, 0, 12, 2, 'box2'))
    expect(components?.go2?.properties).toEqual({ label: '{{ name2.value }} and {{ other.value }}' })
    expect(components?.go2?.events).toEqual([
      { on: 'click', action: { do: 'reset', component: 'name2' }, when: '{{ name2.value !== other.value }}' },
      { on: 'click', action: { do: 'run-query', query: 'load' } },
    ])
    const rects = Object.values(layout ?? {})
    expect(rects.some((a, i) => rects.some((b, j) => i < j && overlaps(a, b)))).toBe(false)
  })

  it('into another app keeps names that are free, and leaves out what is about things that are not there', () => {
    const clip = parseClip(text())
    const elsewhere: AppDocument = { format: 1, title: 'X', 'home-page': 'page', pages: { page: { components: {}, layout: {} } }, queries: {} }
    const after = produce(elsewhere, (draft) => void (clip && pasteClip(draft, 'page', clip, {}, renameInTemplate)))
    expect(Object.keys(after.pages.page?.components ?? {}).sort()).toEqual(['box', 'go', 'name'])
    expect(after.pages.page?.components?.go?.events).toEqual([{ on: 'click', action: { do: 'reset', component: 'name' }, when: '{{ name.value !== other.value }}' }])
    expect(after.pages.page?.layout?.box).toEqual(rect(0, 0, 12, 6))
  })

  it('puts what stood in a container on the page when the container was not copied', () => {
    expect(clipOf(app, 'home', ['name'])?.layout).toEqual({ name: rect(0, 0, 12, 2) })
    expect(clipOf(app, 'home', ['gone'])).toBeUndefined()
  })

  it('does not mix up names that change places', () => {
    const clip = parseClip(JSON.stringify({ bulkhead: 'components', version: 1, components: { a: { type: 'text', properties: { value: '{{ a2.value + a.value }}' } }, a2: { type: 'text' } }, layout: { a: rect(0, 0, 4, 1), a2: rect(0, 1, 4, 1) } }))
    const target = produce(app, (draft) => {
      const page = draft.pages.empty
      if (page) {
        page.components = { a: { type: 'text' } }
        page.layout = { a: rect(0, 0, 4, 1) }
      }
      if (clip) pasteClip(draft, 'empty', clip, {}, renameInTemplate)
    })
    const names = Object.keys(target.pages.empty?.components ?? {})
    expect(names).toHaveLength(3)
    const pasted = Object.values(target.pages.empty?.components ?? {}).find(({ properties }) => typeof properties?.value === 'string')
    expect(pasted?.properties?.value).toBe(`{{ ${names[2]}.value + ${names[1]}.value }}`)
  })

  it('takes no text that is none of ours, or was made to harm', () => {
    const good = JSON.parse(text()) as Record<string, unknown>
    for (const bad of [
      'hello', '{', '{}', '[]', 'null', JSON.stringify({ ...good, version: 2 }), JSON.stringify({ ...good, components: {} }), JSON.stringify({ ...good, layout: {} }),
      '{"bulkhead":"components","version":1,"components":{"__proto__":{"type":"text"}},"layout":{"__proto__":{"column":0,"row":0,"width":1,"height":1}}}',
      JSON.stringify({ ...good, components: { 'a b': { type: 'text' } }, layout: { 'a b': rect(0, 0, 1, 1) } }),
      JSON.stringify({ ...good, components: { a: { type: '<script>' } }, layout: { a: rect(0, 0, 1, 1) } }),
      JSON.stringify({ ...good, components: { a: { type: 'text' } }, layout: { a: rect(20, 0, 9, 1) } }),
      JSON.stringify({ ...good, components: { a: { type: 'container' }, b: { type: 'container' } }, layout: { a: rect(0, 0, 1, 1, 'b'), b: rect(0, 0, 1, 1, 'a') } }),
      JSON.stringify({ ...good, components: { a: { type: 'text', events: [{ on: 'click' }] } }, layout: { a: rect(0, 0, 1, 1) } }),
    ]) expect(parseClip(bad), bad).toBeUndefined()
    expect(parseClip(text())).toBeDefined()
  })
})

describe('guides', () => {
  it('show the edges that are in line with others', () => {
    expect(guidesFor(rect(4, 2, 8, 2), [rect(12, 0, 4, 2), rect(0, 9, 3, 1)])).toEqual({ columns: [12], rows: [2] })
    expect(guidesFor(rect(4, 2, 8, 2), [])).toEqual({ columns: [], rows: [] })
  })
})

describe('the canvas', () => {
  it('is shown larger and smaller by steps', () => {
    expect([zoomBy(100, 1), zoomBy(150, 1), zoomBy(100, -1), zoomBy(50, -1)]).toEqual([125, 150, 80, 50])
  })
})

describe('a phone', () => {
  const page = app.pages.home as Page
  /** What the server says of a page's places on a phone. */
  const heldElsewhere = ({ layout = {}, 'phone-layout': phone = {} }: Page) =>
    Object.keys(phone).filter((name) => layout[name]?.parent !== phone[name]?.parent || layout[name]?.slot !== phone[name]?.slot)

  it('stacks all in the order of reading as long as nobody says otherwise', () => {
    expect(hasPhoneLayout(page)).toBe(false)
    expect(phoneLayoutOf(page)).toEqual({ other: rect(0, 0, 24, 2), box: rect(0, 2, 24, 6), name: rect(0, 0, 24, 2, 'box'), go: rect(0, 2, 24, 1, 'box') })
  })

  it('has places of its own, which change nothing on a wide screen', () => {
    const after = produce(app, (draft) => moveComponents(draft, 'home', { other: rect(12, 0, 12, 2) }, 'phone'))
    expect(after.pages.home?.layout).toEqual(page.layout)
    expect(phoneLayoutOf(after.pages.home as Page).other).toEqual(rect(12, 0, 12, 2))
    // What is new is found below.
    const more = produce(after, (draft) => {
      const home = draft.pages.home
      if (!home?.components || !home.layout) return
      home.components.late = { type: 'text' }
      home.layout.late = rect(20, 0, 4, 1)
    })
    expect(phoneLayoutOf(more.pages.home as Page).late).toEqual(rect(0, 8, 24, 1))
    expect(hasPhoneLayout(produce(after, (draft) => resetPhoneLayout(draft, 'home')).pages.home as Page)).toBe(false)
  })

  it('follows renames, removals and moves into another container', () => {
    const arranged = produce(app, (draft) => moveComponents(draft, 'home', { other: rect(12, 0, 12, 2) }, 'phone'))
    const renamed = produce(arranged, (draft) => renameEverywhere(draft, 'box', 'frame'))
    expect(renamed.pages.home?.['phone-layout']?.name?.parent).toBe('frame')
    const removed = produce(arranged, (draft) => removeComponents(draft, 'home', ['box']))
    expect(Object.keys(removed.pages.home?.['phone-layout'] ?? {})).toEqual(['other'])
    const moved = produce(arranged, (draft) => moveComponents(draft, 'home', { other: rect(0, 4, 8, 2, 'box') }))
    expect(phoneLayoutOf(moved.pages.home as Page).other?.parent).toBe('box')
  })

  it('has no place left that the server refuses: one that is held by another component than on a wide screen', () => {
    const arranged = produce(app, (draft) => moveComponents(draft, 'home', { other: rect(12, 0, 12, 2) }, 'phone'))
    const into = produce(arranged, (draft) => moveComponents(draft, 'home', { other: rect(0, 4, 8, 2, 'box') }))
    expect(heldElsewhere(into.pages.home as Page)).toEqual([])
    const outOf = produce(arranged, (draft) => moveComponents(draft, 'home', { name: rect(0, 20, 8, 2) }))
    expect(heldElsewhere(outOf.pages.home as Page)).toEqual([])
    // What did not go elsewhere stays where it was put.
    expect(outOf.pages.home?.['phone-layout']?.other).toEqual(rect(12, 0, 12, 2))
    const swayed = produce(arranged, (draft) => moveComponents(draft, 'home', { other: { ...rect(0, 0, 8, 2, 'box'), slot: 'a' } }, 'phone'))
    expect(heldElsewhere(swayed.pages.home as Page)).toEqual([])
  })

  it('keeps what stands in a tab in it when the tab gets another value', () => {
    const tabbed = produce(app, (draft) => {
      const home = draft.pages.home
      if (!home?.components || !home.layout) return
      home.components.box = { type: 'tabs', properties: { tabs: ['One', 'Two'] } }
      home.layout.name = { ...rect(0, 0, 12, 2, 'box'), slot: 'One' }
      home.layout.go = { ...rect(12, 0, 12, 1, 'box'), slot: 'Two' }
      moveComponents(draft, 'home', { name: { ...rect(6, 0, 12, 2, 'box'), slot: 'One' } }, 'phone')
      setSlots(draft, 'home', 'box', 'tabs', ['First', 'Two'])
    })
    expect(tabbed.pages.home?.['phone-layout']?.name).toEqual({ ...rect(6, 0, 12, 2, 'box'), slot: 'First' })
    expect(heldElsewhere(tabbed.pages.home as Page)).toEqual([])
  })
})
