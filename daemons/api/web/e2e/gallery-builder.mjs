// @ts-check
/** The builder itself, at its address: what it asks the server for, and what it hears from its first moment on. */
import { strict as assert } from 'node:assert'
import { checkHighContrast } from './browser.mjs'
import { everything } from './gallery-answers.mjs'
import { answer } from './gallery-api.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

const layout = { column: 3, row: 0, width: 6, height: 1 }
/** @type {import('../src/api/types').AppDetail} */
const app = {
  id: '01890000-0000-7000-8000-000000000002',
  slug: 'orders',
  title: 'Orders',
  role: 'admin',
  released_version: null,
  draft_revision: 1,
  is_protected: false,
  environments: [],
  draft: { format: 1, title: 'Orders', 'home-page': 'home', pages: { home: { components: { note: { type: 'text', properties: { value: 'Hello' } } }, layout: { note: layout } } } },
}
export const builderAnswers = {
  ...Object.fromEntries(Object.entries(everything).map(([place, content]) => [`GET ${place.replace('/api/v1', '')}`, content])),
  'GET /apps/orders': app,
  'PUT /apps/orders/editing': { is_yours: true, is_you: true, name: 'Ada Novak', seconds: 60, since: new Date().toISOString() },
  'PUT /apps/orders/draft': { revision: 2 },
}

/** @param {Page} page @param {string} url */
async function open(page, url) {
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(`${url}/apps/orders/edit`)
  await page.getByRole('button', { name: 'Text note' }).waitFor()
}

/** @type {{ name: string, kind: string, expects?: RegExp, run: (page: Page, url: string) => Promise<void> }[]} */
export const builderSteps = [
  {
    kind: 'builder',
    name: 'a key counts as soon as there is something to select, though the rest is on its way',
    run: async (page, url) => {
      await answer(page, builderAnswers)
      // What stands around the canvas comes late.
      const late = /\/(TopBar|Inspector|SidePanel|QueryDrawer|Saving|CanvasTools)-[\w-]+\.js$/
      await page.route(late, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 2500))
        await route.continue()
      })
      await open(page, url)
      await page.getByRole('button', { name: 'Text note' }).focus()
      await page.keyboard.press('ArrowRight')
      const column = () => page.locator('.canvas [data-name=note]').evaluate((cell) => getComputedStyle(cell).gridColumnStart)
      assert.equal(await column(), '5')
      assert.equal(await page.getByRole('complementary', { name: 'Inspector' }).getByRole('textbox').count(), 0)
      await page.unrouteAll({ behavior: 'wait' })
    },
  },
  {
    kind: 'builder',
    name: 'the builder is read in high contrast',
    run: async (page, url) => {
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${url}/?builder`)
      await page.locator('.canvas').getByText('0 done, 2 orders, 42').waitFor()
      await page.getByRole('textbox', { name: 'Code' }).waitFor()
      await checkHighContrast(page, 'builder')
      await page.getByRole('button', { name: 'Debug' }).click()
      await page.getByRole('tabpanel').waitFor()
      await checkHighContrast(page, 'builder with its debug panel')
    },
  },
  {
    kind: 'builder',
    name: 'whoever leaves gives the app free; a name that is taken by the language is refused with words',
    expects: /status of 404/,
    run: async (page, url) => {
      let tab = ''
      const editing = builderAnswers['PUT /apps/orders/editing']
      await answer(page, { ...builderAnswers, 'PUT /apps/orders/editing': (/** @type {{ tab: string }} */ body) => ((tab = body.tab), editing) })
      await open(page, url)
      await page.getByRole('button', { name: 'Text note' }).press('Enter')
      const name = page.getByRole('complementary', { name: 'Inspector' }).getByLabel('Name', { exact: true })
      await name.fill('class')
      await name.press('Enter')
      await page.getByText('class is a word that JavaScript, Python or Bulkhead has taken').waitFor()
      // Until then the window does not know that the app is its own.
      while (tab === '') await page.waitForTimeout(50)
      await page.waitForTimeout(300)
      await page.evaluate(() => {
        const { fetch } = window
        window.fetch = (asking, init) => {
          if (init?.method === 'DELETE' && init.keepalive) localStorage.setItem('left', String(asking))
          return fetch(asking, init)
        }
      })
      await page.goto(`${url}/?kind=text`)
      assert.equal(await page.evaluate(() => localStorage.getItem('left')), `/api/v1/apps/orders/editing/${tab}`)
      await page.evaluate(() => localStorage.clear())
    },
  },
]
