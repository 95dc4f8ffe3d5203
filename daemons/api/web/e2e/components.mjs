// @ts-check
/** An app with the example of every kind of component, from its page of the documentation; used on a screen and on a phone. */
import { strict as assert } from 'node:assert'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { checkAccessibility, picture } from './browser.mjs'

const docs = path.resolve(import.meta.dirname, '../../../../docs/components')
const slug = `components-${Date.now()}`

/** The examples, one below the other; the last component is of a kind that no version knows yet. */
function everyComponent() {
  const components = /** @type {Record<string, unknown>} */ ({})
  const layout = /** @type {Record<string, {row: number, height: number, parent?: string}>} */ ({})
  let row = 0
  for (const file of readdirSync(docs).sort()) {
    const example = readFileSync(path.join(docs, file), 'utf8').split('```json\n')[1]?.split('\n```')[0]
    if (file === 'README.md' || !example) continue
    const page = JSON.parse(example)
    Object.assign(components, page.components)
    let lowest = row
    for (const [name, rect] of Object.entries(page.layout)) {
      layout[name] = rect.parent ? rect : { ...rect, row: rect.row + row }
      if (!rect.parent) lowest = Math.max(lowest, rect.row + row + rect.height)
    }
    row = lowest + 1
  }
  components.later = { type: 'hologram', properties: { depth: 3 } }
  layout.later = /** @type {any} */ ({ column: 0, row, width: 12, height: 2 })
  return { format: 1, title: 'Every component', 'home-page': 'home', pages: { home: { components, layout } } }
}

/** Axe on a tall screen, so that nothing is checked by its absence from view, in both themes and at both widths. */
async function checkAll(/** @type {import('./browser.mjs').Page} */ page, /** @type {string} */ where) {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme })
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 })
      await checkAccessibility(page, `${where}, ${colorScheme}, ${width}`)
    }
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1440, height: 900 })
}

/** @type {import('./entry.mjs').Step[]} */
export const componentsSteps = [
  {
    name: 'an app with every component is shown in both themes and at phone width',
    run: async (page, url) => {
      const body = JSON.stringify({ slug, title: 'Every component', document: everyComponent() })
      await page.goto(`${url}/apps`)
      await page.evaluate(async (text) => {
        const send = (/** @type {string} */ path, /** @type {string} */ sent) => fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', 'x-bulkhead-csrf': '1' }, body: sent })
        for (const made of [await send('/api/v1/apps', text), await send(`/api/v1/apps/${JSON.parse(text).slug}/releases`, '{"revision": 1}')]) {
          if (!made.ok) throw new Error(await made.text())
        }
      }, body)
      await page.goto(`${url}/apps/${slug}`)
      await page.getByRole('tab', { name: 'Orders' }).waitFor()
      await page.getByText('which this version does not know').waitFor()
      await checkAll(page, 'every component')
      await picture(page, 'components')
    },
  },
  {
    name: 'a form says what is missing, then is sent',
    run: async (page) => {
      const form = page.getByRole('form', { name: 'New customer' })
      await form.getByRole('button', { name: 'Add customer' }).click()
      await form.getByText('Fill this in.').waitFor()
      await checkAccessibility(page, 'form with a problem')
      await form.getByLabel('Name').fill('Ada')
      await form.getByLabel('Plan').click()
      await page.getByRole('option', { name: 'Free' }).waitFor()
      await checkAccessibility(page, 'open list of a select')
      await page.keyboard.press('Escape')
      await form.getByRole('button', { name: 'Add customer' }).click()
      await page.getByText('Added Ada.').waitFor()
    },
  },
  {
    name: 'a modal opens, and closes by Escape',
    run: async (page) => {
      await page.getByRole('button', { name: 'Show details' }).click()
      await page.getByRole('dialog', { name: 'Details' }).getByText('packed by Ada').waitFor()
      await checkAll(page, 'modal')
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
    },
  },
  {
    name: 'every component is on the canvas, and one of a later version is saved untouched',
    run: async (page, url) => {
      await page.goto(`${url}/apps/${slug}/edit`)
      const later = page.getByRole('button', { name: 'Component later' })
      await later.focus()
      await page.keyboard.press('ArrowRight')
      await checkAccessibility(page, 'builder with every component')
      await picture(page, 'components-builder')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
      const { components, layout } = await page.evaluate(async (address) => (await (await fetch(address)).json()).draft.pages.home, `/api/v1/apps/${slug}`)
      assert.equal(components.later.type, 'hologram')
      assert.equal(components.later.properties.depth, 3)
      assert.equal(layout.later.column, 1)
    },
  },
]
