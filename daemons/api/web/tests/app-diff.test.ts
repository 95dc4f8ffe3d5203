import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import type { AppDocument, Page } from '../src/api/types'
import { Changes } from '../src/builder/history/Changes'
import { appDiff, changedPages, isUnchanged } from '../src/document/app-diff'
import { canonicalText } from '../src/document/canonical'
import { textDiff } from '../src/document/text-diff'

const app: AppDocument = {
  format: 1,
  title: 'Shop',
  'home-page': 'home',
  pages: {
    home: {
      components: { list: { type: 'table', properties: { data: '{{ load.rows }}', columns: [{ label: 'A', key: 'a' }] } }, name: { type: 'text-input', properties: { label: 'Name' }, events: [] } },
      layout: { name: { row: 0, column: 0, height: 2, width: 8 }, list: { column: 0, row: 2, width: 24, height: 8 } },
    },
  },
  queries: { load: { statement: 'select 1', resource: 'tables', run: 'automatic', mode: 'read', confirm: null, 'on-success': [] } },
}

describe('the text of an app', () => {
  it('is the same whatever the order and however defaults are written', () => {
    const other: AppDocument = {
      queries: { load: { resource: 'tables', statement: 'select 1' } },
      pages: { home: { layout: { list: { height: 8, width: 24, row: 2, column: 0 }, name: { column: 0, row: 0, width: 8, height: 2 } }, components: { name: { properties: { label: 'Name' }, type: 'text-input' }, list: { properties: { columns: [{ label: 'A', key: 'a' }], data: '{{ load.rows }}' }, type: 'table' } } } },
      'home-page': 'home',
      title: 'Shop',
      format: 1,
    }
    expect(canonicalText(other)).toBe(canonicalText(app))
  })

  it('is read and written again byte for byte', () => {
    const text = canonicalText({ ...app, later: { b: 1, a: 2 } } as AppDocument)
    expect(canonicalText(JSON.parse(text) as AppDocument)).toBe(text)
    // What a later version wrote stays.
    expect(text).toContain('"later"')
  })

  it('keeps the order inside of a property', () => {
    const text = canonicalText({ ...app, pages: { home: { components: { pick: { type: 'select', properties: { options: { z: 'last', a: 'first' } } } }, layout: {} } } })
    expect(text.indexOf('"z"')).toBeLessThan(text.indexOf('"a"'))
  })
})

describe('a comparison of texts', () => {
  const words = (text: string) => text.split(' ').join('\n')
  const shown = (before: string, after: string, context = 1) => textDiff(words(before), words(after), context).map(({ skipped, lines }) => `${skipped}: ${lines.map(({ kind, text }) => `${{ same: ' ', removed: '-', added: '+' }[kind]}${text}`).join(' ')}`)

  it('shows what was taken away and added, with what is around it', () => {
    expect(shown('a b c d e f g', 'a b X d e f g')).toEqual(['1:  b -c +X  d'])
    expect(shown('a b c d e f g h', 'b c d e f g h i')).toEqual(['0: -a  b', '5:  h +i'])
    expect(shown('a', 'a')).toEqual([])
  })

  it('turns one into the other, whatever they are', () => {
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48271) % 2147483647
      return seed % below
    }
    for (let round = 0; round < 300; round += 1) {
      const text = () => Array.from({ length: random(30) }, () => 'abcd'[random(4)]).join('\n')
      const [before, after] = [text(), text()]
      const lines = textDiff(before, after, 1000).flatMap((hunk) => hunk.lines)
      if (before === after) continue
      expect(lines.filter(({ kind }) => kind !== 'added').map((line) => line.text).join('\n')).toBe(before)
      expect(lines.filter(({ kind }) => kind !== 'removed').map((line) => line.text).join('\n')).toBe(after)
      for (const line of lines) {
        if (line.before) expect(before.split('\n')[line.before - 1]).toBe(line.text)
        if (line.after) expect(after.split('\n')[line.after - 1]).toBe(line.text)
      }
    }
  })

  it('ends on texts that have nothing in common', () => {
    const many = (word: string) => Array.from({ length: 20_000 }, (_, index) => `${word}${index}`).join('\n')
    const started = performance.now()
    expect(textDiff(many('a'), many('b'))).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(15_000)
  })
})

describe('a comparison of apps', () => {
  it('names what was added, removed, changed and moved', () => {
    const after = structuredClone(app)
    const home = after.pages.home
    if (!home?.components || !home.layout || !after.queries?.load) throw new Error('the example lacks its page')
    delete home.components.list
    delete home.layout.list
    home.components.go = { type: 'button' }
    home.layout.go = { column: 0, row: 9, width: 2, height: 1 }
    home.layout.name = { column: 4, row: 0, width: 8, height: 2 }
    after.queries.load.statement = 'select 2'
    after.title = 'Store'
    const diff = appDiff(app, after)
    expect(diff.pages[0]?.components).toEqual({ list: 'removed', go: 'added', name: 'moved' })
    expect([diff.queries, diff.rest, isUnchanged(diff)]).toEqual([{ load: 'changed' }, ['title'], false])
    expect(isUnchanged(appDiff(app, structuredClone(app)))).toBe(true)
  })

  it.each([
    ['title', { title: 'Start' }],
    ['route', { route: 'orders/{id}' }],
    ['state', { state: { draft: { initial: 1 } } }],
    ['events', { events: [{ on: 'open', action: { do: 'notify', message: 'Hello' } }] }],
  ] as [string, Partial<Page>][])('names what a page itself has changed: its %s', (member, more) => {
    const after = structuredClone(app)
    after.pages.home = { ...after.pages.home, ...more }
    const diff = appDiff(app, after)
    expect([isUnchanged(diff), changedPages(diff).map(({ name, rest, components }) => [name, rest, components])]).toEqual([false, [['home', [member], {}]]])
    expect([isUnchanged(appDiff(after, structuredClone(after))), changedPages(appDiff(app, app))]).toEqual([true, []])
  })

  it('says in words what a page itself has changed', () => {
    const after = structuredClone(app)
    after.pages.home = { ...after.pages.home, events: [{ on: 'open', action: { do: 'notify', message: 'Hello' } }] }
    const words = renderToStaticMarkup(createElement(Changes, { diff: appDiff(app, after), since: 'version 1' })).replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ')
    expect(words).toContain('Page home What it does when it opens changed')
  })

  it('finds no two versions the same whose texts differ', () => {
    for (const change of [{ state: { count: { initial: 1 } } }, { theme: { accent: '#123456' } }, { transformers: { sum: { code: '1' } } }, { scripts: { tidy: { code: '1' } } }, { later: 1 }] as object[]) {
      expect(isUnchanged(appDiff(app, { ...structuredClone(app), ...change })), JSON.stringify(change)).toBe(false)
    }
  })
})
