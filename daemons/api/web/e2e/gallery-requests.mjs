// @ts-check
/** The requests that a hosted app makes: each that is needed once, and no other. */
import { strict as assert } from 'node:assert'
import { answer, released, session } from './gallery-api.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

const result = { columns: [{ name: 'id', kind: 'number' }], rows: [{ id: 1 }], row_count: 1, duration_ms: 1, truncated: false, end: true }
/** Longer than typing settles, and than a reader of a reader takes. */
const quietMs = 900

/** @param {Partial<import('../src/api/types').ViewerDocument['queries'][string]>} parts */
const query = (parts) => /** @type {import('../src/api/types').ViewerDocument['queries'][string]} */ ({ expressions: [], run: 'automatic', mode: 'read', 'is-allowed': true, ...parts })

/** Every query but `elsewhere` is read on the page; `byCity` follows the input, `details` what `byCity` gave. */
const app = released({
  pages: {
    home: {
      components: {
        city: { type: 'text-input', properties: { label: 'City', 'default-value': 'Lyon' } },
        other: { type: 'text-input', properties: { label: 'Other' } },
        shown: { type: 'text', properties: { value: '{{ onceAtFirst.row_count }} {{ always.row_count }} {{ byCity.row_count }} {{ details.row_count }} {{ byHand.row_count }}' } },
        again: { type: 'text', properties: { value: '{{ byCity.rows.length + always.rows.length }} for {{ city.value }}' } },
      },
      layout: { city: { column: 0, row: 0, width: 8, height: 2 }, other: { column: 8, row: 0, width: 8, height: 2 }, shown: { column: 0, row: 2, width: 24, height: 1 }, again: { column: 0, row: 3, width: 24, height: 1 } },
    },
  },
  queries: {
    always: query({}),
    byCity: query({ expressions: ['city.value'] }),
    byHand: query({ run: 'manual', expressions: ['city.value'] }),
    details: query({ expressions: ['byCity.rows[0].id'] }),
    elsewhere: query({}),
    onceAtFirst: query({ run: 'load', expressions: ['city.value'] }),
  },
})

/** @type {{ name: string, kind: string, run: (page: Page, url: string) => Promise<void> }[]} */
export const requestSteps = [
  {
    kind: 'requests',
    name: 'an app asks for each thing that it needs once, and a change for what depends on it',
    run: async (page, url) => {
      const runs = Object.fromEntries(Object.keys(app.document.queries).map((name) => [`POST /apps/many/queries/${name}/run`, result]))
      const { asked } = await answer(page, { 'GET /session': session, 'GET /apps/many/released': app, ...runs })
      const settled = async () => {
        await page.waitForTimeout(quietMs)
        return asked.splice(0).map((name) => name.replace('POST /apps/many/queries/', '')).sort()
      }
      await page.setViewportSize({ width: 1200, height: 900 })
      await page.goto(`${url}/apps/many`)
      await page.getByText('2 for Lyon').waitFor()
      assert.deepEqual(await settled(), ['GET /apps/many/released', 'GET /session', 'always/run', 'byCity/run', 'details/run', 'onceAtFirst/run'])
      await page.getByLabel('City').fill('Porto')
      await page.getByText('2 for Porto').waitFor()
      // What `byCity` gave is the same as before: nothing is asked about it again.
      assert.deepEqual(await settled(), ['byCity/run'])
      await page.getByLabel('Other').fill('x')
      assert.deepEqual(await settled(), [])
      await page.getByLabel('City').pressSequentially(' and more')
      assert.deepEqual(await settled(), ['byCity/run'])
    },
  },
]
