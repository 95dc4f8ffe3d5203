import { describe, expect, it } from 'vitest'
import { produce } from 'immer'
import type { AppDocument, Translations } from '../src/api/types'
import { completionsAt } from '../src/builder/assist/complete'
import { canonicalText } from '../src/document/canonical'
import { createDraftStore } from '../src/document/draft-store'
import { lint } from '../src/document/lint'
import { callsIn, keyProblem, languageProblem, renameText } from '../src/document/texts'
import { textsAsCsv, withCsv } from '../src/document/texts-csv'
import { BindingGraph } from '../src/evaluator/graph'
import { emptyModel } from '../src/evaluator/protocol'
import { modelOf } from '../src/runtime/model'
import { languageFor, languageName, textsOf, titleIn } from '../src/runtime/texts'

const translations: Translations = {
  default: 'en',
  languages: ['en', 'de', 'pt-BR'],
  texts: { hello: { en: 'Hello, {name}', de: 'Hallo, {name}', 'pt-BR': 'Olá, {name}' }, 'orders.title': { en: 'Orders', de: 'Bestellungen', 'pt-BR': 'Pedidos' } },
}
const app: AppDocument = {
  format: 1,
  title: 'Orders',
  'home-page': 'home',
  pages: {
    home: {
      title: '{{ t("orders.title") }}',
      components: { one: { type: 'text', properties: { value: "{{ t('hello', { name: current_user.name }) }} and {{ t(`orders.title`) }}" } }, two: { type: 'text', properties: { value: '{{ [1].map((t) => t + "hello") }}' } } },
      layout: {},
    },
  },
  queries: { load: { resource: 'tables', statement: "select {{ t('hello') }}", transform: "  return t('hello', data)" } },
  scripts: { greet: { code: "notify(t('hello', { name: 'Ada' }))" } },
  translations,
}
const findings = (document: AppDocument) => lint(document, { members: () => undefined, slow: {} }).map(({ owner, message }) => `${owner.name}: ${message}`)

describe('the language', () => {
  it.each([
    [['de-AT', 'en'], 'de'],
    [['pt-PT'], 'pt-BR'],
    [['PT-br'], 'pt-BR'],
    [['fr', 'de'], 'de'],
    [['C', ''], 'en'],
    [[], 'en'],
  ])('for %j is %s', (wanted, language) => {
    expect(languageFor(translations, wanted)).toBe(language)
  })

  it('falls back to the default text, then to the key', () => {
    const { texts } = textsOf({ ...translations, texts: { a: { en: 'A' }, b: { de: 'B' }, c: {} } }, 'de')
    expect(texts).toEqual({ a: 'A', b: 'B' })
    expect(titleIn({ language: 'de', texts }, '{{ t("a") }}')).toBe('A')
    expect(titleIn({ language: 'de', texts }, '{{ t("c") }}')).toBe('c')
    expect(titleIn({ language: 'de', texts }, 'All {{ t("a") }}')).toBe('All {{ t("a") }}')
    expect([languageName('de'), languageName('no such')]).toEqual(['Deutsch', 'no such'])
  })
})

describe('t in a binding', () => {
  const evaluated = (template: string, language = 'de') => {
    const graph = new BindingGraph()
    graph.load({ ...emptyModel(), globals: { current_user: { name: 'Ada {x}' } }, templates: { a: template }, texts: textsOf(translations, language) }, {}, [], new Set())
    return graph.evaluateAll()['a']
  }

  it('gives the text with its values, as texts', () => {
    expect(evaluated("{{ t('hello', { name: current_user.name }) }}")).toEqual({ value: 'Hallo, Ada {x}' })
    expect(evaluated("{{ t('hello', { name: 2026 }) }}", 'pt-BR')).toEqual({ value: 'Olá, 2026' })
    expect(evaluated("{{ t('hello') }}")).toEqual({ value: 'Hallo, {name}' })
    expect(evaluated('{{ t.language }}')).toEqual({ value: 'de' })
  })

  it('gives the key where there is no text, whatever the key is', () => {
    for (const key of ['nosuch', 'constructor', '__proto__', 'toString']) expect(evaluated(`{{ t('${key}') }}`)).toEqual({ value: key })
    expect(evaluated("{{ t('hello', { toString: 1, __proto__: { name: 'x' } }) }}")).toEqual({ value: 'Hallo, {name}' })
    expect(evaluated('{{ t }}')).toHaveProperty('error')
    expect(evaluated("{{ (t.language = 'fr', t.language) }}")).toHaveProperty('error')
  })

  it('is the app’s own where the app has something of that name', () => {
    const page = { components: { t: { type: 'text', properties: { value: 'mine' } } }, layout: {} }
    const texts = textsOf(translations, 'de')
    expect(modelOf({ title: '', 'home-page': 'home', pages: { home: page }, queries: {} }, 'home', {}, texts).texts).toBeUndefined()
    expect(modelOf({ title: '', 'home-page': 'home', pages: { home: {} }, queries: {} }, 'home', {}, texts).texts).toBe(texts)
  })
})

describe('the linter', () => {
  it('has nothing to say where all is well', () => {
    expect(findings(app).filter((text) => /text|title/.test(text))).toEqual(['load: The text hello says {name}, which is not given: t("hello", { name }).'])
  })

  it('names keys that are missing, unused, not translated, and names in braces that differ', () => {
    const texts = { hello: { en: 'Hello, {name}', de: 'Hallo, {nmae}' }, never: { en: 'x', de: 'x', 'pt-BR': 'x' } }
    const found = findings({ ...app, translations: { ...translations, texts } })
    expect(found).toContain('home: There is no text orders.title.')
    expect(found).toContain('one: There is no text orders.title.')
    expect(found).toContain('never: Nothing uses the text never.')
    expect(found).toContain('hello: It has no text in pt-BR.')
    expect(found).toContain('hello: Its names in braces are others in de.')
  })

  it('takes any key for used where one is put together, and leaves a module to its app', () => {
    const dynamic = { ...app, scripts: { greet: { code: "notify(t('orders.' + args.kind))" } } }
    expect(findings({ ...dynamic, translations: { ...translations, texts: { ...translations.texts, never: { en: 'x', de: 'x', 'pt-BR': 'x' } } } })).not.toContain('never: Nothing uses the text never.')
    const module: AppDocument = { ...app, translations: null, module: {} }
    expect(findings(module).filter((text) => text.includes('no text'))).toEqual([])
  })

  it('refuses a title of a page that only an evaluator could read', () => {
    const page = { ...app.pages['home'], title: 'Orders of {{ current_user.name }}' }
    expect(findings({ ...app, pages: { home: page } })).toContain('home: The title of a page is plain, or one text: {{ t("key") }}.')
  })
})

describe('a key', () => {
  it('is renamed wherever it is read, and nowhere else', () => {
    const next = produce(app, (draft) => renameText(draft, 'hello', 'greeting.long'))
    expect(Object.keys(next.translations?.texts ?? {})).toEqual(['greeting.long', 'orders.title'])
    expect(next.pages['home']?.components?.['one']?.properties?.['value']).toBe("{{ t('greeting.long', { name: current_user.name }) }} and {{ t(`orders.title`) }}")
    expect(next.pages['home']?.components?.['two']).toEqual(app.pages['home']?.components?.['two'])
    expect(next.queries?.['load']).toMatchObject({ statement: "select {{ t('greeting.long') }}", transform: "  return t('greeting.long', data)" })
    expect(next.scripts?.['greet']?.code).toBe("notify(t('greeting.long', { name: 'Ada' }))")
    expect(produce(app, (draft) => renameText(draft, 'orders.title', 'title')).pages['home']?.title).toBe('{{ t("title") }}')
  })

  it('comes back by one undo', () => {
    const store = createDraftStore(app, 1, async () => 2)
    store.edit((draft) => renameText(draft, 'hello', 'hi'))
    expect(store.getState().document.translations?.texts).toHaveProperty('hi')
    store.undo()
    expect(canonicalText(store.getState().document)).toBe(canonicalText(app))
  })

  it('is plain, and no language is written oddly', () => {
    for (const key of ['a', 'orders.title', 'a-b_c.d1']) expect(keyProblem(key, undefined)).toBeUndefined()
    for (const key of ['', 'a..b', '1a', 'a b', '__proto__', 'a'.repeat(81), 'hello']) expect(keyProblem(key, translations)).toBeDefined()
    for (const language of ['en', 'de-AT', 'zh-Hant-TW', 'es-419']) expect(languageProblem(language, [])).toBeUndefined()
    for (const language of ['', 'EN', 'german', 'de_AT', 'en']) expect(languageProblem(language, ['en'])).toBeDefined()
  })

  it('is found in calls, and completed in them', () => {
    expect(callsIn({ text: "{{ t('a', { b, 'c': 1 }) + t(`d`) + t(e) + x.t('f') }}", as: 'template' })).toEqual([{ key: 'a', values: ['b', 'c'] }, { key: 'd', values: [] }, { values: [] }])
    expect(callsIn({ text: 'const t = (x) => x\nreturn t("a")', as: 'code' })).toEqual([])
    const at = (before: string) => completionsAt(before, false, {}, undefined, textsOf(translations, 'de').texts)
    expect(at("{{ t('ord")).toEqual({ from: 6, options: [{ label: 'orders.title', detail: '"Bestellungen"' }] })
    expect(at("t('ord")).toBeUndefined()
    expect(at("{{ at('ord")).toBeUndefined()
  })
})

describe('a CSV file', () => {
  it('goes out and comes back as it was, spreadsheets and all', () => {
    const texts = { ...translations.texts, formula: { en: '=1+1', de: 'a,"b"\nc' } }
    const given = { ...translations, texts }
    const read = withCsv(given, textsAsCsv(given))
    expect(read).toMatchObject({ added: 0, changed: 0, languages: [], rejected: [] })
    expect(read.translations).toEqual(given)
  })

  it('adds keys and languages, changes texts, and leaves out what cannot be', () => {
    const read = withCsv(translations, 'key;de;fr\r\nhello;Guten Tag, {name};Bonjour, {name}\r\norders.title;;\r\nnew.one;Neu;\r\nbad key;x;y\r\nshort;x\r\n')
    expect(read).toMatchObject({ added: 1, changed: 1, languages: ['fr'] })
    expect(read.rejected).toHaveLength(2)
    expect(read.translations.languages).toEqual(['en', 'de', 'pt-BR', 'fr'])
    expect(read.translations.texts).toMatchObject({ hello: { en: 'Hello, {name}', de: 'Guten Tag, {name}', fr: 'Bonjour, {name}' }, 'orders.title': { de: 'Bestellungen' }, 'new.one': { de: 'Neu' } })
    expect(translations.texts?.['hello']).not.toHaveProperty('fr')
  })

  it('is refused where it is no file of texts', () => {
    expect(() => withCsv(translations, 'name,de\na,b\n')).toThrow('The first column must be called key')
    expect(() => withCsv(translations, 'key,German\na,b\n')).toThrow('The column German')
    expect(() => withCsv(translations, '')).toThrow('empty')
  })
})

it('an exported file has its texts by key and language, whatever the order was', () => {
  const turned: AppDocument = { ...app, translations: { texts: { 'orders.title': { de: 'Bestellungen', 'pt-BR': 'Pedidos', en: 'Orders' }, hello: { 'pt-BR': 'Olá, {name}', de: 'Hallo, {name}', en: 'Hello, {name}' } }, languages: ['en', 'de', 'pt-BR'], default: 'en' } }
  expect(canonicalText(turned)).toBe(canonicalText(app))
})
