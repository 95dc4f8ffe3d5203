// @ts-check
/** A workflow of n8n's becomes a draft: its file is read, its report looked through, and the draft opens in the editor. */
import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import { checkAccessibility, picture } from './browser.mjs'

const slug = `large-orders-${Date.now()}`
const condition = { id: 'a', leftValue: '={{ $json.total }}', rightValue: 100, operator: { type: 'number', operation: 'gte' } }
const greeting = { id: 'b', name: 'greeting', value: 'Thank you', type: 'string' }
const to = (/** @type {string} */ node) => [{ node, type: 'main', index: 0 }]

/** As n8n's editor downloads it: by hand, code, and two ways of which one does nothing. */
const downloaded = {
  name: 'Large orders',
  nodes: [
    { id: '1', name: 'When clicking', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, position: [0, 0], parameters: {} },
    { id: '2', name: 'Sum up', type: 'n8n-nodes-base.code', typeVersion: 2, position: [220, 0], parameters: { jsCode: 'return [{ json: { total: 120 } }];' } },
    { id: '3', name: 'Large?', type: 'n8n-nodes-base.if', typeVersion: 2, position: [440, 0], parameters: { conditions: { options: { caseSensitive: true, leftValue: '', typeValidation: 'strict' }, conditions: [condition], combinator: 'and' }, options: {} } },
    { id: '4', name: 'Greet', type: 'n8n-nodes-base.set', typeVersion: 3.4, position: [660, -80], parameters: { assignments: { assignments: [greeting] }, options: {} } },
    { id: '5', name: 'Do nothing', type: 'n8n-nodes-base.noOp', typeVersion: 1, position: [660, 80], parameters: {} },
    { id: '6', name: 'Left over', type: 'n8n-nodes-base.set', typeVersion: 3.4, position: [0, 300], parameters: { assignments: { assignments: [greeting] }, options: {} } },
  ],
  connections: { 'When clicking': { main: [to('Sum up')] }, 'Sum up': { main: [to('Large?')] }, 'Large?': { main: [to('Greet'), to('Do nothing')] } },
  pinData: {},
  settings: { executionOrder: 'v1' },
  active: false,
}

/** @type {import('./entry.mjs').Step[]} */
export const importsSteps = [
  {
    name: "a file that is no workflow of n8n's says what to do instead",
    run: async (page, url) => {
      await page.goto(`${url}/workflows`)
      await page.getByRole('button', { name: 'Import from n8n…' }).click()
      await checkAccessibility(page, 'import')
      await picture(page, 'import')
      const text = page.getByLabel('Or paste its text')
      await text.fill('{"nodes": [')
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('alert').getByText('This is no JSON').waitFor()
      await text.fill('{"data": []}')
      await page.getByRole('alert').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('alert').waitFor()
      await checkAccessibility(page, 'import that is refused')
    },
  },
  {
    name: 'a file is read, and its report has the worst first',
    run: async (page) => {
      await page.locator('input[type=file]').setInputFiles({ name: 'Large_orders.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(downloaded, null, 2)) })
      const notes = page.getByRole('group', { name: 'What became of each node' })
      await notes.waitFor()
      assert.equal(await page.getByLabel('Title').inputValue(), 'Large orders')
      assert.equal(await page.getByLabel('Address').inputValue(), 'large-orders')
      assert.match((await notes.locator('summary').first().textContent()) ?? '', /^Missing/)
      const note = (/** @type {string} */ node) => notes.getByRole('listitem').filter({ has: page.getByText(node, { exact: true }) })
      await note('Left over').getByText('No walk leads to it').waitFor()
      await note('Sum up').getByText('look at what it uses').waitFor()
      await note('Do nothing').getByText('left out').waitFor({ state: 'hidden' })
      await notes.getByText(/^Translated/).click()
      await note('Do nothing').getByText('left out').waitFor()
      await note('Large?').getByText('large', { exact: true }).first().waitFor()
      await checkAccessibility(page, 'report of an import')
      await picture(page, 'import-report')
    },
  },
  {
    name: 'the report is taken along as a text',
    run: async (page) => {
      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Download report' }).click()
      const text = await readFile(await (await download).path(), 'utf8')
      assert.match(text, /^Import from n8n: Large orders\n\d+ translated · /)
      assert.match(text, /\n- Sum up \(block sumUp\): /)
      await page.getByRole('button', { name: 'Copy report' }).click()
      await page.getByRole('button', { name: 'Copied' }).waitFor()
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text)
    },
  },
  {
    name: 'an address that is taken is told at its field, and the draft opens in the editor',
    run: async (page, url) => {
      await page.getByLabel('Title').fill('Orders of note')
      await page.getByLabel('Address').fill('monthly-revenue')
      await page.getByRole('button', { name: 'Create draft' }).click()
      await page.getByText('Another workflow has this address').waitFor()
      await checkAccessibility(page, 'import with an address that is taken')
      await page.getByLabel('Address').fill(slug)
      await page.getByRole('button', { name: 'Create draft' }).click()
      await page.waitForURL(`${url}/workflows/${slug}`)
      await page.getByRole('heading', { name: 'Orders of note' }).waitFor()
      for (const block of ['sumUp', 'large', 'greet']) await page.getByLabel(`Block ${block}`).waitFor()
      await page.getByText('Never released').waitFor()
      await page.getByRole('button', { name: 'Show report' }).click()
      await page.getByRole('dialog').getByText('Left over', { exact: true }).waitFor()
      await checkAccessibility(page, 'report above the editor')
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
      await picture(page, 'imported')
      await page.getByRole('button', { name: 'Dismiss the report' }).click()
      await page.getByRole('button', { name: 'Show report' }).waitFor({ state: 'detached' })
    },
  },
]
