import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Page } from '../src/api/types'
import { componentKinds, loadKinds } from '../src/builder/component-kinds'
import { methodSpecs, signatureOf } from '../src/builder/method-specs'
import { gridsOf } from '../src/components/choice/grids'
import { matching, optionsOf, stepped } from '../src/components/choice/options'
import { figureText } from '../src/components/figures'
import { safeHref, shownImage } from '../src/components/href'
import { base64Of, byteLimit, refusalOf } from '../src/components/kinds/file-picker/files'
import { pairsOf } from '../src/components/kinds/key-value/pairs'
import { numberText, parseNumber, stepBy } from '../src/components/kinds/number-input/number-text'
import { namesOn } from '../src/components/slot'
import { heldValue, isInput, methodsOf, problemOf } from '../src/runtime/kinds'
import { methodTable } from '../src/runtime/methods'
import { initialState, modelOf } from '../src/runtime/model'
import { around, isWithin } from '../src/runtime/nesting'

const read = (properties: Record<string, unknown>) => (property: string) => properties[property]
const docs = path.resolve(import.meta.dirname, '../../../../docs/components')
const pages = readdirSync(docs).filter((file) => file !== 'README.md')

beforeAll(() => loadKinds())

describe('the kinds of components', () => {
  it('each have a page that names all of their properties and events, with an example of them', () => {
    expect(pages.map((file) => file.replace('.md', '')).sort()).toEqual(Object.keys(componentKinds).sort())
    for (const [kind, spec] of Object.entries(componentKinds)) {
      const text = readFileSync(path.join(docs, `${kind}.md`), 'utf8')
      for (const { key } of spec.properties) expect(text, `${kind}.md`).toContain(`| \`${key}\` |`)
      for (const [event] of spec.events) expect(text, `${kind}.md`).toContain(`\`${event}\``)
      const example = JSON.parse(text.split('```json\n')[1]?.split('\n```')[0] ?? '') as Page
      expect(Object.values(example.components ?? {}).map((component) => component.type), `${kind}.md`).toContain(kind)
      for (const [name, { type, properties }] of Object.entries(example.components ?? {})) {
        // A module's are its own.
        if (type === 'module') continue
        const known = [...(componentKinds[type]?.properties ?? []).map(({ key }) => key), 'hidden']
        for (const key of Object.keys(properties ?? {})) expect(known, `${kind}.md: ${name}`).toContain(key)
      }
    }
  })

  it('each have the methods that the builder offers, and say so', () => {
    for (const [kind, spec] of Object.entries(componentKinds)) {
      const table = methodTable(kind)
      expect(Object.keys(table), kind).toEqual(methodsOf(kind))
      const specs = methodSpecs(kind)
      expect(specs.map(({ name }) => name).sort(), kind).toEqual(Object.keys(table).sort())
      for (const { name, parameters = [] } of specs) expect(parameters.map((parameter) => parameter.name), `${kind}.${name}`).toEqual(table[name]?.parameters)
      const own = spec.methods ?? []
      const others = specs.filter((method) => !own.includes(method)).map((method) => `\`${signatureOf(method)}\``)
      const lines = own.map((method) => `\`${signatureOf(method)}\` ${method.text[0]?.toLowerCase()}${method.text.slice(1)}`)
      const text = `**Methods**: ${[...lines, ''].join('; ').replace(/; $/, '. ')}${others.join(', ')}: [as of others](README.md#methods).`
      expect(readFileSync(path.join(docs, `${kind}.md`), 'utf8').includes(text), `${kind}.md lacks: ${text}`).toBe(true)
    }
  })

  it('have examples that stand on one page together', () => {
    const names = pages.flatMap((file) => Object.keys((JSON.parse(readFileSync(path.join(docs, file), 'utf8').split('```json\n')[1]?.split('\n```')[0] ?? '') as Page).components ?? {}))
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('start with properties that they have, on a place that fits', () => {
    for (const [kind, { properties, starts, size, baseName }] of Object.entries(componentKinds)) {
      const keys = properties.map(({ key }) => key)
      expect(new Set(keys).size, kind).toBe(keys.length)
      for (const key of Object.keys(starts)) expect(keys, kind).toContain(key)
      expect(size.width, kind).toBeLessThanOrEqual(24)
      expect(baseName, kind).toMatch(/^[a-z][A-Za-z]*$/)
    }
  })

  it('are listed among the others', () => {
    const readme = readFileSync(path.join(docs, 'README.md'), 'utf8')
    for (const kind of Object.keys(componentKinds)) expect(readme).toContain(`[${kind}](${kind}.md)`)
  })

  it('of a later version hold nothing, and are no input', () => {
    expect(initialState({ type: 'hologram' })).toEqual({})
    expect(isInput('hologram')).toBe(false)
  })
})

describe('inputs', () => {
  it('hold their default until they are touched', () => {
    expect(heldValue('number-input', undefined, read({ 'default-value': '7' }))).toBe(7)
    expect(heldValue('number-input', { value: null }, read({ 'default-value': '7' }))).toBeNull()
    expect(heldValue('checkbox', {}, read({ 'default-value': 'false' }))).toBe(false)
  })

  it('expose their default by its type', () => {
    const components = { amount: { type: 'number-input', properties: { 'default-value': '7' } }, tab: { type: 'tabs' } }
    const model = modelOf({ title: '', 'home-page': 'home', pages: { home: { components, layout: {} } }, queries: {} }, 'home', {})
    expect(model.exposed['amount.value']).toBe('amount.default-value')
    expect(model.types).toEqual({ 'amount.value': 'number' })
    expect(initialState(components.tab)).toEqual({ value: null })
  })

  it('say what is wrong with them', () => {
    expect(problemOf('text-input', '', read({ required: true }))).toBe('Fill this in.')
    expect(problemOf('checkbox', false, read({ required: true }))).toContain('has to be on')
    expect(problemOf('text-input', '', read({ required: 'false' }))).toBeUndefined()
    expect(problemOf('text-input', 'ab', read({ 'min-length': 3 }))).toContain('at least 3')
    expect(problemOf('number-input', 11, read({ max: '10' }))).toContain('10 or less')
    expect(problemOf('number-input', 0, read({ required: true, min: 0 }))).toBeUndefined()
    expect(problemOf('date', '2026-01-01', read({ min: '2026-02-01' }))).toContain('2026-02-01 or later')
    expect(problemOf('multiselect', [1, 2], read({ 'max-chosen': 1 }))).toContain('at most 1')
  })
})

describe('numbers', () => {
  it('are read as people of a locale write them', () => {
    expect(['1,234.5', '-3', '.5', '1 000', '−2'].map((text) => parseNumber(text, 'en'))).toEqual([1234.5, -3, 0.5, 1000, -2])
    expect(['1.234,5', '1.234', '1.5', '12,5'].map((text) => parseNumber(text, 'de'))).toEqual([1234.5, 1234, 1.5, 12.5])
    expect(['', '-', '1e5', 'abc', '1.2.3', '0x10'].map((text) => parseNumber(text, 'en'))).toEqual([null, null, null, null, null, null])
  })

  it('are written with their separators', () => {
    expect(numberText(1234.5, { decimals: 2, isGrouped: true }, 'en')).toBe('1,234.50')
    expect(numberText(1234.5, { decimals: null, isGrouped: false }, 'de')).toBe('1234,5')
    expect(numberText(null, { decimals: 2, isGrouped: true }, 'en')).toBe('')
  })

  it('step within their limits, without the noise of fractions', () => {
    expect(stepBy(0.1, 0.2, [null, null])).toBe(0.3)
    expect(stepBy(9, 5, [0, 10])).toBe(10)
    expect(stepBy(null, -1, [0, null])).toBe(0)
  })
})

describe('choices', () => {
  it('come from lists, rows and maps', () => {
    expect(optionsOf(read({ options: ['a', 1] }))).toEqual([{ value: 'a', label: 'a' }, { value: 1, label: '1' }])
    expect(optionsOf(read({ options: [{ id: 1, name: 'One' }, null, {}] }))).toEqual([{ value: 1, label: 'One' }])
    expect(optionsOf(read({ options: [{ code: 'x', text: 'X' }], 'value-key': 'code', 'label-key': 'text' }))).toEqual([{ value: 'x', label: 'X' }])
    expect(optionsOf(read({ options: '{"a": "A"}' }))).toEqual([{ value: 'a', label: 'A' }])
    expect(optionsOf(read({ options: 7 }))).toEqual([])
  })

  it('are found by a part of their label, those that begin with it first', () => {
    const options = ['Poland', 'Island', 'Landau'].map((label) => ({ value: label, label }))
    expect(matching(options, 'land').map(({ label }) => label)).toEqual(['Landau', 'Poland', 'Island'])
    expect([stepped(0, -1, 3), stepped(1, 10, 3), stepped(0, 1, 0)]).toEqual([0, 2, -1])
  })
})

describe('addresses', () => {
  it('that could run something are not followed', () => {
    expect(['javascript:alert(1)', ' JavaScript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x', ''].map(safeHref)).toEqual(Array.from({ length: 6 }, () => undefined))
    expect(['https://a.example/', '/apps', 'mailto:a@b.example', '#x'].every((address) => safeHref(address) !== undefined)).toBe(true)
  })

  it('of images are those that the page lets through', () => {
    const origin = 'https://tools.example'
    expect(['data:image/png;base64,AA==', '/logo.png', 'https://tools.example/a.png', 'blob:https://tools.example/1'].every((address) => shownImage(address, origin) !== undefined)).toBe(true)
    expect(['https://elsewhere.example/a.png', '//elsewhere.example/a.png', 'data:text/html,x', 'javascript:1', 'mailto:a@b.c'].map((address) => shownImage(address, origin))).toEqual(Array.from({ length: 5 }, () => undefined))
  })
})

describe('files', () => {
  it('are read whole, whatever their length', () => {
    for (const length of [0, 1, 2, 3, 24_575, 24_576, 24_577, 60_000]) {
      const data = Uint8Array.from({ length }, (_, index) => index % 251)
      expect(base64Of(data)).toBe(Buffer.from(data).toString('base64'))
    }
  })

  it('are refused when they are too large', () => {
    expect(byteLimit(undefined)).toBe(2816 * 1024)
    // A server that nobody configured takes 4 MiB, in which the files are base64.
    expect((byteLimit(undefined) / 3) * 4).toBeLessThan(4 * 1024 * 1024 - 65_536)
    expect(byteLimit('999999')).toBe(20 * 1024 * 1024)
    expect(refusalOf([{ name: 'a', size: 2048 }], 1024)).toContain('the most is 1 KB')
    expect(refusalOf([{ name: 'a', size: 1024 }], 1024)).toBeUndefined()
  })
})

describe('what is shown', () => {
  it('are figures in their format', () => {
    expect(figureText('1234.5', { format: 'currency', currency: 'EUR', decimals: 0 }, 'en')).toBe('€1,235')
    expect(figureText(0.031, { format: 'percent', currency: '', decimals: null }, 'en')).toBe('3.1%')
    expect(figureText(1, { format: 'currency', currency: 'nonsense', decimals: 999 }, 'en')).toContain('1.')
    expect(figureText('n/a', { format: 'number', currency: '', decimals: null }, 'en')).toBe('n/a')
  })

  it('are the pairs of an object', () => {
    expect(pairsOf({ open_amount: 3 }, undefined)).toEqual([{ label: 'Open amount', text: '3' }])
    expect(pairsOf([{ label: 'A', value: 1 }, null], undefined)).toEqual([{ label: 'A', text: '1' }])
    expect(pairsOf(null, undefined)).toEqual([])
  })
})

describe('grids in components', () => {
  const at = (row: number, parent?: string, slot?: string) => ({ column: 0, row, width: 4, height: 1, ...(parent ? { parent } : {}), ...(slot ? { slot } : {}) })
  const page: Page = {
    components: { tabs: { type: 'tabs' }, a: { type: 'text' }, b: { type: 'text' }, c: { type: 'text' } },
    layout: { tabs: at(0), a: at(1, 'tabs', 'one'), b: at(0, 'tabs'), c: at(0, 'tabs', 'two') },
  }

  it('show what stands on them, the first also what names none', () => {
    const [first, second] = gridsOf('tabs', [{ value: 'one', label: '' }, { value: 'two', label: '' }])
    expect(namesOn(page)).toEqual(['tabs'])
    expect(namesOn(page, first ?? {})).toEqual(['b', 'a'])
    expect(namesOn(page, second ?? {})).toEqual(['c'])
  })

  it('are known from the inside out', () => {
    expect(around(page.layout ?? {}, 'a')).toEqual(['a', 'tabs'])
    expect(around({ a: at(0, 'a') }, 'a')).toHaveLength(16)
  })

  it('show in the first what stood in one that is gone', () => {
    const [only] = gridsOf('tabs', [{ value: 'one', label: '' }])
    expect(namesOn(page, only ?? {})).toEqual(['b', 'c', 'a'])
  })

  it('end even where components stand in each other', () => {
    expect(isWithin({ a: at(0, 'b'), b: at(0, 'a') }, 'a', { parent: 'x' })).toBe(false)
    expect(isWithin(page.layout ?? {}, 'a', { parent: 'tabs' })).toBe(true)
  })
})
