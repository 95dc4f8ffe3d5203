/** Every sentence that the code says through `t` has its translation, and every part of the interface that is translated says all its sentences so. */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { messages as german } from '../src/messages/de'
import { type Catalogue, languageFor, plural, t } from '../src/messages/messages'

const root = path.resolve(import.meta.dirname, '../src')
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('messages'))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }))
const translated = sources.filter(({ text }) => /from '[./]+messages\/messages'/.test(text))

const literal = `('(?:[^'\\\\]|\\\\.)*'|"(?:[^"\\\\]|\\\\.)*")`
const unquoted = (found: string) => found.slice(1, -1).replace(/\\(.)/g, '$1')
const each = (pattern: RegExp, of: (found: RegExpMatchArray) => string) => translated.flatMap(({ text }) => [...text.matchAll(pattern)].map(of))

const plain = new Set(each(new RegExp(`\\b(?:t|message)\\(\\s*${literal}`, 'g'), ([, text = '']) => unquoted(text)))
const counted = new Set(each(new RegExp(`\\bplural\\([^'"]*?${literal},\\s*${literal}`, 'g'), ([, , many = '']) => unquoted(many)))
const namesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()

describe.each([['German', german, ['one', 'other']]] as [string, Catalogue, Intl.LDMLPluralRule[]][])('%s', (_, catalogue, rules) => {
  it('has every sentence, and none besides', () => {
    const wanted = new Set([...plain, ...counted])
    expect([...wanted].filter((text) => !(text in catalogue)).sort()).toEqual([])
    expect(Object.keys(catalogue).filter((text) => !wanted.has(text)).sort()).toEqual([])
  })

  it('has a sentence for each of its plurals where a number decides, and one where none does', () => {
    for (const text of counted) expect(Object.keys(catalogue[text] ?? {}).sort(), text).toEqual(rules)
    for (const text of plain) expect(typeof catalogue[text], text).toBe('string')
  })

  it('has the same names in braces, but for a number that its plural says itself', () => {
    for (const [text, said] of Object.entries(catalogue)) {
      if (typeof said === 'string') expect(namesIn(said), text).toEqual(namesIn(text))
      else for (const one of Object.values(said)) expect(new Set([...namesIn(one), 'count']), text).toEqual(new Set(namesIn(text)))
    }
  })
})

describe('what is translated', () => {
  it('says nothing that is put together from parts', () => {
    const made = translated.flatMap(({ file, text }) => [...text.matchAll(/\b(?:t|message)\(\s*`/g)].map(() => file))
    expect(made).toEqual([])
  })

  it('has no sentence between tags or in attributes that goes by without `t`', () => {
    const bare = translated.flatMap(({ file, text }) => {
      if (!file.endsWith('.tsx')) return []
      const between = [...text.matchAll(/>\s*([A-Z][a-z]+[^<>{}=()]*)<\//g)].map(([, found]) => found)
      const attributes = [...text.matchAll(/\b(?:label|title|hint|placeholder|aria-label|text|action|confirm)="([^"]*[a-z][^"]*)"/g)].map(([, found]) => found)
      return [...between, ...attributes].filter((found) => !['Bulkhead', 'Ctrl K'].includes(found?.trim() ?? '')).map((found) => `${file}: ${found}`)
    })
    expect(bare).toEqual([])
  })
})

describe('a sentence', () => {
  it('is filled with values, numbers as the language writes them', () => {
    expect(t('Hello, {name}', { name: 'Ada' })).toBe('Hello, Ada')
    expect(plural(1, '{count} open', '{count} opens')).toBe('1 open')
    expect(plural(12_345, '{count} open', '{count} opens')).toBe('12,345 opens')
  })

  it('is in the first of the browser’s languages that is there', () => {
    expect(languageFor(['fr-FR', 'de-CH', 'en'])).toBe('de')
    expect(languageFor(['fr', 'C', ''])).toBe('en')
  })
})
