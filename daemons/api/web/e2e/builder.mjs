// @ts-check
/** Building: a new app with a query, a table and a button; saved, released, used; what goes wrong says so. */
import { checkAccessibility, picture } from './browser.mjs'

const slug = `built-${Date.now()}`

/** @type {import('./entry.mjs').Step[]} */
export const builderSteps = [
  {
    name: 'the demo app runs on the canvas',
    run: async (page, url) => {
      await page.goto(`${url}/apps/customers/edit`)
      await page.locator('.canvas').getByText(/^[1-9][0-9]* shown/).waitFor()
      await checkAccessibility(page, 'builder with the demo')
      await picture(page, 'builder-demo')
    },
  },
  {
    name: 'a new app opens in the builder',
    run: async (page, url) => {
      page.on('dialog', (dialog) => void dialog.accept())
      await page.goto(`${url}/apps`)
      await page.getByRole('button', { name: 'New app' }).first().click()
      await page.getByLabel('Title').fill('Built by a test')
      await page.getByLabel('Address').fill(slug)
      await page.getByRole('button', { name: 'Create app' }).click()
      await page.getByRole('region', { name: 'Canvas' }).waitFor()
    },
  },
  {
    name: 'a query runs; a mistake in it is shown',
    run: async (page) => {
      await page.getByRole('button', { name: 'Add query' }).first().click()
      await page.getByLabel('Resource').selectOption('tables')
      const statement = page.getByLabel('Statement of query1')
      await statement.click()
      await page.keyboard.press('Control+A')
      await page.keyboard.type('select nothing_here from customers')
      await page.keyboard.press('Control+Enter')
      await page.getByRole('alert').getByText('nothing_here').first().waitFor()
      await page.keyboard.press('Control+A')
      await page.keyboard.type('select id, name, city from customers order by id limit 20')
      await page.getByRole('button', { name: 'Run query' }).click()
      await page.getByRole('grid', { name: 'Result of query1' }).getByRole('row').nth(2).waitFor()
    },
  },
  {
    name: 'a table shows the query, and moves by keyboard and undo',
    run: async (page) => {
      await page.getByRole('button', { name: 'Table', exact: true }).click()
      await page.getByLabel('Data').fill('{{ query1.rows }}')
      await page.getByText('= list of 20').waitFor()
      await page.locator('.canvas').getByText('Name', { exact: true }).waitFor()
      const row = page.getByLabel('Row', { exact: true })
      const handle = page.getByRole('button', { name: 'Table table' })
      await handle.focus()
      await page.keyboard.press('ArrowDown')
      await page.waitForFunction(() => document.querySelectorAll('.place-grid input')[1]?.getAttribute('value') === '1')
      await page.keyboard.press('Control+z')
      await page.waitForFunction(() => document.querySelectorAll('.place-grid input')[1]?.getAttribute('value') === '0')
      await row.waitFor()
      await checkAccessibility(page, 'builder')
      await picture(page, 'builder')
    },
  },
  {
    name: 'an endless loop in a binding is stopped and shown, the rest goes on',
    run: async (page) => {
      await page.getByRole('button', { name: 'Text', exact: true }).click()
      await page.getByLabel('Value').fill('{{ (() => { for (;;) {} })() }}')
      await page.locator('.canvas').getByText('It ran too long').waitFor()
      await page.getByLabel('Value').fill('{{ query1.row_count }} rows')
      await page.locator('.canvas').getByText('20 rows').waitFor()
    },
  },
  {
    name: 'saved and released, the app is what people see',
    run: async (page, url) => {
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Release', exact: true }).click()
      await page.getByRole('button', { name: 'Release to everybody' }).click()
      await page.getByText('Version 1 is released').waitFor()
      await page.goto(`${url}/apps/${slug}`)
      await page.getByRole('grid', { name: 'table' }).getByRole('row').nth(2).waitFor()
      await page.getByText('20 rows').waitFor()
    },
  },
]
