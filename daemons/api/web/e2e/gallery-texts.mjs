// @ts-check
/** Texts in several languages: the builder's table of them, and what people read in the app. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, picture } from './browser.mjs'
import { answer, released, session } from './gallery-api.mjs'

/** @typedef {import('./browser.mjs').Page} Page */
/** @typedef {{ store: { undo: () => void, getState: () => { document: import('../src/api/types').AppDocument } } }} WithStore */

const textsNow = (/** @type {Page} */ page) => page.evaluate(() => /** @type {WithStore} */ (/** @type {unknown} */ (globalThis)).store.getState().document.translations ?? null)

const component = (/** @type {string} */ value) => ({ type: 'text', properties: { value } })
const layout = { greeting: { column: 0, row: 0, width: 12, height: 1 }, lacking: { column: 0, row: 1, width: 12, height: 1 } }
const app = released({
  pages: {
    home: { title: '{{ t("home") }}', components: { greeting: component('{{ t("hello", { name: current_user.name }) }}'), lacking: component('{{ t("only.english") }} in {{ t.language }}') }, layout },
    other: { title: 'Plain', components: {}, layout: {} },
  },
  translations: {
    default: 'en',
    languages: ['en', 'de'],
    texts: { home: { en: 'Start', de: 'Anfang' }, hello: { en: 'Hello, {name}', de: 'Hallo, {name} <b>&</b> {{ 1 + 1 }}' }, 'only.english': { en: 'Not translated' } },
  },
})

/** @type {{ name: string, kind: string, run: (page: Page, url: string) => Promise<void> }[]} */
export const textSteps = [
  {
    kind: 'texts',
    name: 'texts are written, renamed, taken from a file and taken back in the builder',
    run: async (page, url) => {
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${url}/?builder=texts`)
      const dialog = page.getByRole('dialog', { name: 'Texts' })
      await dialog.getByLabel('The first language').fill('German')
      await dialog.getByRole('button', { name: 'Add language' }).click()
      await dialog.getByText('Write a language as browsers do').waitFor()
      await dialog.getByLabel('The first language').fill('en')
      await dialog.getByRole('button', { name: 'Add language' }).click()
      await dialog.getByLabel('New key').fill('orders title')
      await dialog.getByRole('button', { name: 'Add text' }).click()
      await dialog.getByText('Use names with dots between them').waitFor()
      await checkAccessibility(page, 'texts that cannot be')
      await dialog.getByLabel('New key').fill('orders.title')
      await dialog.getByLabel('Text in English').fill('Orders of {name}')
      await dialog.getByText('t("orders.title", { name })').waitFor()
      await dialog.getByRole('button', { name: 'Add text' }).click()
      await dialog.getByLabel('Another language').fill('de')
      await dialog.getByRole('button', { name: 'Add language' }).click()
      await dialog.getByLabel('orders.title in Deutsch').fill('Bestellungen')
      await dialog.getByText('Its names in braces are others than in English.').waitFor()
      await dialog.getByLabel('orders.title in Deutsch').fill('Bestellungen von {name}')
      const key = dialog.getByLabel('Key orders.title')
      await key.fill('orders.heading')
      await key.press('Enter')
      await dialog.getByLabel('Key orders.heading').waitFor()
      const file = 'key,en,de,fr\r\norders.heading,,,Commandes de {name}\r\nsave,Save,Sichern,\r\nno key,x,y,z\r\n'
      await dialog.locator('input[type=file]').setInputFiles({ name: 'texts.csv', mimeType: 'text/csv', buffer: Buffer.from(file) })
      await dialog.getByText('1 line left out. Line 4').waitFor()
      await dialog.getByLabel('orders.heading in Français').waitFor()
      await dialog.getByLabel('Only what is missing (1)').check()
      await dialog.getByLabel('Key save').waitFor()
      assert.equal(await dialog.getByLabel('Key orders.heading').count(), 0)
      await dialog.getByLabel('Only what is missing (1)').uncheck()
      await checkAccessibility(page, 'texts')
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.waitForTimeout(200)
      await checkAccessibility(page, 'texts, dark')
      await page.emulateMedia({ colorScheme: 'light' })
      await picture(page, 'texts')
      const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Export CSV' }).click()])
      assert.equal(download.suggestedFilename(), 'texts.csv')
      assert.deepEqual(await textsNow(page), { default: 'en', languages: ['en', 'de', 'fr'], texts: { 'orders.heading': { en: 'Orders of {name}', de: 'Bestellungen von {name}', fr: 'Commandes de {name}' }, save: { en: 'Save', de: 'Sichern' } } })
      // What the file brought is one step.
      await page.evaluate(() => /** @type {WithStore} */ (/** @type {unknown} */ (globalThis)).store.undo())
      assert.deepEqual((await textsNow(page))?.languages, ['en', 'de'])
      await dialog.getByRole('button', { name: 'Remove orders.heading' }).click()
      await dialog.getByText('No text yet.').waitFor()
    },
  },
  {
    kind: 'texts',
    name: 'people read their language, choose another one, and find it again',
    run: async (page, url) => {
      await page.setViewportSize({ width: 1200, height: 900 })
      await answer(page, { 'GET /session': session, 'GET /apps/many/released': app })
      await page.goto(`${url}/apps/many`)
      await page.getByText(`Hello, ${session.user.name}`, { exact: true }).waitFor()
      await page.getByText('Not translated in en').waitFor()
      await page.getByLabel('Language').selectOption('Deutsch')
      // A text is a text: nothing in it is run.
      await page.getByText(`Hallo, ${session.user.name} <b>&</b> {{ 1 + 1 }}`).waitFor()
      await page.getByText('Not translated in de').waitFor()
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('button', { name: 'Anfang' }).waitFor()
      assert.equal(await page.locator('main').getAttribute('lang'), 'de')
      await checkAccessibility(page, 'an app in German')
      await picture(page, 'app-in-german')
      await page.reload()
      await page.getByText(`Hallo, ${session.user.name} <b>&</b> {{ 1 + 1 }}`).waitFor()
      await page.getByRole('button', { name: 'Plain' }).click()
      await page.getByRole('button', { name: 'Anfang' }).click()
      await page.getByText('Not translated in de').waitFor()
      await page.evaluate(() => localStorage.clear())
    },
  },
]
