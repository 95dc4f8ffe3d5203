// @ts-check
/** Hosted apps and the builder against a server that is played: environments, exports, modules, and data that means harm. */
import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { checkAccessibility } from './browser.mjs'
import { answer, released, session } from './gallery-api.mjs'
import { builderAnswers } from './gallery-builder.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

const production = /** @type {const} */ ({ name: 'production', color: 'red', is_default: true })
const staging = /** @type {const} */ ({ name: 'staging', color: 'amber', is_default: false })
const whole = { row_count: 1, duration_ms: 1, truncated: false, end: true }
const orders = { ...whole, columns: [{ name: 'id', type: 'int8' }], rows: [{ id: 471 }] }
/** @type {import('../src/api/types').ViewerDocument['queries'][string]} */
const query = { expressions: [], run: 'automatic', mode: 'read', 'is-allowed': true, 'is-exportable': true, 'is-paged': false }

const table = released({
  pages: { home: { components: { orders: { type: 'table', properties: { data: '{{ load.rows }}', exportable: true } }, where: { type: 'text', properties: { value: 'Now in {{ environment.name }}' } } }, layout: { orders: { column: 0, row: 1, width: 24, height: 8 }, where: { column: 0, row: 0, width: 12, height: 1 } } } },
  queries: { load: query },
})

/** What would run where a text is taken for markup or an address. */
const harm = '"><img src=x onerror="globalThis.harmed=1"><script>globalThis.harmed=1</script>{{ globalThis.harmed=1 }}${harm}\u202E\u0000\uFFFF'
const harmful = {
  shown: { type: 'text', properties: { value: '{{ load.rows[0].text }}' } },
  marked: { type: 'markdown', properties: { value: '{{ load.rows[0].text }}\n\n[go]({{ load.rows[0].address }})' } },
  list: { type: 'table', properties: { data: '{{ load.rows }}' } },
  pairs: { type: 'key-value', properties: { data: '{{ load.rows[0] }}' } },
  choose: { type: 'select', properties: { label: '{{ load.rows[0].text }}', options: '{{ load.rows.map((row) => row.text) }}' } },
  leave: { type: 'link', properties: { text: '{{ load.rows[0].text }}', url: '{{ load.rows[0].address }}' } },
  picture: { type: 'image', properties: { source: '{{ load.rows[0].address }}', alt: '{{ load.rows[0].text }}' } },
  tags: { type: 'tags', properties: { data: '{{ load.rows.map((row) => row.text) }}' } },
  tell: { type: 'alert', properties: { title: '{{ load.rows[0].text }}', text: '{{ load.rows[0].text }}' } },
  json: { type: 'json', properties: { data: '{{ load.rows }}' } },
}

/** @type {{ name: string, kind: string, expects?: RegExp, run: (page: Page, url: string) => Promise<void> }[]} */
export const hostedSteps = [
  {
    kind: 'hosted',
    name: 'who may use several environments chooses one, and every request names it',
    run: async (page, url) => {
      await page.setViewportSize({ width: 1200, height: 900 })
      /** @type {unknown[]} */
      const bodies = []
      await answer(page, { 'GET /session': session, 'GET /apps/many/released': { ...table, environments: [production, staging] }, 'POST /apps/many/queries/load/run': (/** @type {unknown} */ body) => (bodies.push(body), orders) })
      await page.goto(`${url}/apps/many`)
      await page.getByText('Now in production').waitFor()
      await page.getByText('471').waitFor()
      await page.getByLabel('Environment').selectOption('staging')
      await page.waitForURL(/environment=staging/)
      await page.getByText('Now in staging').waitFor()
      await page.getByText('471').waitFor()
      assert.deepEqual(bodies.map((body) => /** @type {{ environment?: string }} */ (body).environment), [undefined, 'staging'])
      await checkAccessibility(page, 'app in another environment')
      await page.getByLabel('Environment').selectOption('production')
      await page.getByText('Now in production').waitFor()
      assert.ok(!page.url().includes('environment='))
    },
  },
  {
    kind: 'hosted',
    name: 'all rows of a query are exported; one that breaks off says why, and saves nothing',
    expects: /status of 403/,
    run: async (page, url) => {
      await page.setViewportSize({ width: 1200, height: 900 })
      await answer(page, { 'GET /session': session, 'GET /apps/many/released': table, 'POST /apps/many/queries/load/run': orders })
      const exports = { refuses: false }
      await page.route('**/api/v1/apps/many/queries/load/export*', (route) =>
        exports.refuses ? route.fulfill({ status: 403, contentType: 'application/problem+json', json: { code: 'forbidden', detail: 'Exports are not for you.' } }) : route.fulfill({ contentType: 'text/csv', body: 'id\r\n4711\r\n4712\r\n' }),
      )
      await page.goto(`${url}/apps/many`)
      await page.getByText('471').waitFor()
      const exportAll = async () => {
        await page.getByRole('button', { name: 'Export' }).click()
        await page.getByRole('group', { name: 'Export all rows' }).getByRole('button', { name: 'CSV', exact: true }).click()
      }
      const [download] = await Promise.all([page.waitForEvent('download'), exportAll()])
      assert.equal(download.suggestedFilename(), 'load.csv')
      assert.equal(readFileSync(await download.path(), 'utf8'), 'id\r\n4711\r\n4712\r\n')
      await page.getByText('All rows are in load.csv').waitFor()
      exports.refuses = true
      await exportAll()
      await page.getByText('Exports are not for you.').waitFor()
      await page.unrouteAll({ behavior: 'wait' })
    },
  },
  {
    kind: 'hosted',
    name: 'a module is added to an app, shown with its inputs, and taken back in one step',
    run: async (page, url) => {
      const card = { id: '01890000-0000-7000-8000-000000000077', slug: 'customer-card', title: 'Customer card', role: 'editor', released_version: 2, is_module: true, folder: '', tags: [], is_favourite: false, updated_at: new Date().toISOString() }
      const document = {
        format: 1,
        title: 'Customer card',
        'home-page': 'home',
        pages: { home: { components: { title: { type: 'text', properties: { value: 'Customer {{ module.customer }}' } } }, layout: { title: { column: 0, row: 0, width: 12, height: 1 } } } },
        module: { inputs: { customer: { type: 'text', default: 'nobody' } }, outputs: {}, events: {} },
      }
      await answer(page, { ...builderAnswers, 'GET /apps': { apps: [card] }, 'GET /apps/customer-card/module': { version: 2, document } })
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${url}/apps/orders/edit`)
      await page.getByRole('group', { name: 'Modules' }).getByRole('button', { name: 'Customer card' }).click()
      await page.locator('.canvas').getByText('Customer nobody').waitFor()
      const inspector = page.getByRole('complementary', { name: 'Inspector' })
      await inspector.getByLabel('customer', { exact: true }).fill('Lyon Fret')
      await page.locator('.canvas').getByText('Customer Lyon Fret').waitFor()
      await checkAccessibility(page, 'builder with a module')
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.locator('.canvas').getByText('Customer').waitFor({ state: 'detached' })
      await page.locator('.canvas').getByText('Hello').waitFor()
    },
  },
  {
    kind: 'hosted',
    name: 'data that means harm is a text, wherever it is shown',
    run: async (page, url) => {
      const app = released({
        title: harm,
        pages: { home: { title: harm, components: harmful, layout: Object.fromEntries(Object.keys(harmful).map((name, index) => [name, { column: (index % 2) * 12, row: Math.floor(index / 2) * 6, width: 12, height: 6 }])) }, other: { title: harm, components: {}, layout: {} } },
        queries: { load: query },
      })
      const rows = [{ text: harm, address: 'javascript:globalThis.harmed=1' }, { text: '='.repeat(3), address: ' \tjava\nscript:globalThis.harmed=1' }, { text: '<svg onload=globalThis.harmed=1>', address: 'data:text/html,<script>1</script>' }]
      await answer(page, { 'GET /session': { ...session, user: { ...session.user, name: harm } }, 'GET /apps/many/released': { ...app, title: harm }, 'POST /apps/many/queries/load/run': { ...orders, rows } })
      await page.setViewportSize({ width: 1200, height: 900 })
      await page.goto(`${url}/apps/many`)
      await page.locator('[data-component=shown]').getByText('<script>globalThis.harmed=1</script>').waitFor()
      await page.locator('[data-component=list]').getByText('<svg onload').first().waitFor()
      await page.waitForTimeout(300)
      for (const link of await page.locator('main a[href]').all()) assert.match((await link.getAttribute('href')) ?? '', /^(https?:|mailto:|tel:|\/|#)/)
      assert.deepEqual(await page.evaluate(() => [Reflect.get(globalThis, 'harmed'), document.querySelectorAll('main script, main svg[onload], img[onerror]').length]), [undefined, 0])
    },
  },
]
