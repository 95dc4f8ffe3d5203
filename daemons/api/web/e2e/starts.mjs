// @ts-check
/** Apps that begin from something: a table, a CSV file, a template, a file. Each is used as its viewers would. */
import { strict as assert } from 'node:assert'
import { readFile } from 'node:fs/promises'
import { checkAccessibility, picture } from './browser.mjs'

/** @typedef {import('playwright-core').Page} Page */

const stamp = Date.now()
const fromTable = `products-${stamp}`
const fromCsv = `people-${stamp}`
const table = `people_${stamp}`
const people = `Name,City,Born,Member\n${Array.from({ length: 620 }, (_, index) => `Person ${index + 1},${['Basel', 'Ghent', 'Porto'][index % 3]},19${String(50 + (index % 50)).padStart(2, '0')}-02-03,${index % 2 ? 'yes' : 'no'}`).join('\n')}\nToo,many,values,in,here\n`

async function begin(/** @type {Page} */ page, /** @type {string} */ url, /** @type {string} */ start) {
  await page.goto(`${url}/apps`)
  await page.getByRole('button', { name: 'New app' }).first().click()
  await page.getByRole('region', { name: 'Start from' }).getByRole('button', { name: new RegExp(`^${start}`) }).click()
}

async function release(/** @type {Page} */ page, /** @type {string} */ notes) {
  await page.getByRole('button', { name: 'Release', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Release' })
  await dialog.getByLabel('What it changes').fill(notes)
  await dialog.getByRole('button', { name: 'Release to everybody' }).click()
}

/** @type {import('./entry.mjs').Step[]} */
export const startsSteps = [
  {
    name: 'a table becomes a whole app',
    run: async (page, url) => {
      await begin(page, url, 'A table')
      const dialog = page.getByRole('dialog', { name: 'New app from a table' })
      await dialog.getByLabel('Resource').selectOption('tables')
      // By what it stands for: its name is told with the schema where the database has several.
      await dialog.getByLabel('Table', { exact: true }).selectOption(JSON.stringify(['public', 'products']))
      await dialog.getByText('touches one row or none').waitFor()
      await checkAccessibility(page, 'new app from a table')
      await picture(page, 'new-app-table')
      await dialog.getByLabel('Address').fill(fromTable)
      await dialog.getByRole('button', { name: 'Create app' }).click()
      await page.locator('.canvas').getByRole('grid', { name: 'rows' }).getByRole('row').nth(2).waitFor()
      await checkAccessibility(page, 'builder with a generated app')
      await picture(page, 'generated-app-builder')
      await release(page, 'Generated from the table')
      await page.getByText('Version 1 is released').waitFor()
    },
  },
  {
    name: 'its rows are added, changed and deleted',
    run: async (page, url) => {
      await page.goto(`${url}/apps/${fromTable}`)
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      const added = page.getByRole('dialog', { name: 'Add to products' })
      await added.getByLabel('Id').fill(String(9_000_000 + (stamp % 1_000_000)))
      await added.getByLabel('Sku').fill(`E2E-${stamp}`)
      await added.getByLabel('Name').fill('Lemon tart')
      await added.getByLabel('Category').fill('Bakery')
      await added.getByLabel('Price').fill('4.50')
      await added.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText('Row added.').waitFor()
      await page.getByLabel('Search').fill(`E2E-${stamp}`)
      const row = page.getByRole('grid', { name: 'rows' }).getByRole('row', { name: /Lemon tart/ })
      await row.click()
      await page.getByRole('button', { name: 'Edit', exact: true }).click()
      const edited = page.getByRole('dialog', { name: /^Edit / })
      assert.equal(await edited.getByLabel('Category').inputValue(), 'Bakery')
      await edited.getByLabel('Name').fill('Lime tart')
      await picture(page, 'generated-app-form')
      await edited.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Row changed.').waitFor()
      await page.getByRole('grid', { name: 'rows' }).getByRole('row', { name: /Lime tart/ }).click()
      await checkAccessibility(page, 'generated app')
      await picture(page, 'generated-app')
      await page.getByRole('button', { name: 'Delete', exact: true }).click()
      await page.getByRole('dialog').getByText('It cannot be brought back.').waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Continue' }).click()
      await page.getByText('Row deleted.').waitFor()
      await page.getByText('No row matches this search.').waitFor()
    },
  },
  {
    name: 'a CSV file becomes a table and an app, in less than three minutes',
    run: async (page, url) => {
      const started = Date.now()
      await begin(page, url, 'A CSV file')
      await page.locator('input[type=file]').setInputFiles({ name: `People ${stamp}.csv`, mimeType: 'text/csv', buffer: Buffer.from(people) })
      const dialog = page.getByRole('dialog', { name: 'New app from a CSV file' })
      await dialog.getByText('will be written, 1 will not').waitFor()
      await dialog.getByText('Rows that are left out (1)').click()
      await dialog.getByText('Line 622: 5 values for 4 columns').waitFor()
      await dialog.getByText('create table "').waitFor()
      await dialog.getByLabel('New table').fill(table)
      await dialog.getByLabel('Address').fill(fromCsv)
      await checkAccessibility(page, 'new app from a CSV file')
      await picture(page, 'new-app-csv')
      await dialog.getByRole('button', { name: 'Create table and app' }).click()
      await page.locator('.canvas').getByText('620 rows').waitFor()
      await release(page, '')
      await page.getByText('Version 1 is released').waitFor()
      await page.goto(`${url}/apps/${fromCsv}`)
      await page.getByLabel('Search').fill('Person 620')
      await page.getByRole('grid', { name: 'rows' }).getByRole('row', { name: /Person 620/ }).click()
      // A new row goes on where the file ended.
      await page.getByRole('button', { name: 'Add', exact: true }).click()
      const added = page.getByRole('dialog')
      await added.getByLabel('Name').fill('Person after')
      await added.getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByText('Row added.').waitFor()
      await page.getByLabel('Search').fill('Person after')
      await page.getByRole('gridcell', { name: '621', exact: true }).waitFor()
      assert.ok(Date.now() - started < 180_000, `it took ${Date.now() - started} ms`)
    },
  },
  {
    name: 'each template is an app that runs',
    run: async (page, url) => {
      for (const [title, sign] of /** @type {const} */ ([
        ['Product catalogue', /[1-9]\d* rows/],
        ['Support desk', /[1-9]\d* tickets match/],
        ['Approvals queue', /[1-9]\d* requests wait/],
        ['Dashboard', /Invoices issued in 2025/],
        ['Bulk editor', /[1-9]\d* products are chosen/],
        ['Data explorer', /of [1-9]\d* rows/],
      ])) {
        await begin(page, url, 'A template')
        const dialog = page.getByRole('dialog', { name: 'New app from a template' })
        await dialog.getByRole('button', { name: new RegExp(`^${title}`) }).click()
        if (title === 'Product catalogue') {
          await checkAccessibility(page, 'new app from a template')
          await picture(page, 'new-app-template')
        }
        const slug = `${title.toLowerCase().replaceAll(' ', '-')}-${stamp}`
        await dialog.getByLabel('Address').fill(slug)
        await dialog.getByRole('button', { name: 'Create app' }).click()
        await page.locator('.canvas').getByText(sign).waitFor()
        await page.getByRole('button', { name: 'Preview' }).click()
        await page.locator('.builder-preview').getByText(sign).waitFor()
        assert.equal(await page.locator('.app-fault').count(), 0, `${title}: ${await page.locator('.app-fault').allTextContents()}`)
        await checkAccessibility(page, `template ${title}`)
        await picture(page, `template-${title.toLowerCase().replaceAll(' ', '-')}`)
      }
    },
  },
  {
    name: 'an app is exported, and read again as the same',
    run: async (page, url) => {
      const download = async () => {
        await page.goto(`${url}/apps?q=${fromTable}`)
        await page.getByRole('button', { name: 'More' }).first().click()
        const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Export' }).click()])
        return readFile(await file.path(), 'utf8')
      }
      const text = await download()
      assert.equal(await download(), text)
      await begin(page, url, 'A file')
      await page.locator('input[type=file]').setInputFiles({ name: 'broken.json', mimeType: 'application/json', buffer: Buffer.from('{"format": 2, "title": "x", "home-page": "a", "pages": {}}') })
      await page.getByText('written by a newer Bulkhead').waitFor()
      await page.locator('input[type=file]').setInputFiles({ name: 'products.app.json', mimeType: 'application/json', buffer: Buffer.from(text) })
      const dialog = page.getByRole('dialog', { name: 'New app from a file' })
      await dialog.getByText('1 page').waitFor()
      await dialog.getByLabel('Address').fill(`read-${stamp}`)
      await dialog.getByRole('button', { name: 'Create app' }).click()
      await page.locator('.canvas').getByRole('grid', { name: 'rows' }).getByRole('row').nth(2).waitFor()
    },
  },
]
