// @ts-check
/** Using the hosted app: search, select, see invoices, update an address, find it in the audit trail. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, picture } from './browser.mjs'
import { account } from './entry.mjs'

/** @type {import('./entry.mjs').Step[]} */
export const appSteps = [
  {
    name: 'the app shows its customers',
    run: async (page, url) => {
      await page.goto(`${url}/apps`)
      await page.getByRole('link', { name: 'Customers', exact: true }).click()
      await page.getByRole('grid', { name: 'customerTable' }).getByRole('row').nth(3).waitFor()
      await checkAccessibility(page, 'hosted app')
    },
  },
  {
    name: 'searching narrows the table',
    run: async (page) => {
      const table = page.getByRole('grid', { name: 'customerTable' })
      const before = Number(await table.getAttribute('aria-rowcount'))
      const first = await table.getByRole('row').nth(1).getByRole('gridcell').first().textContent()
      await page.getByLabel('Search').fill(first ?? '')
      await page.waitForFunction((rows) => Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount')) < rows, before)
    },
  },
  {
    name: 'selecting a customer by keyboard shows the invoices',
    run: async (page) => {
      await page.getByRole('grid', { name: 'customerTable' }).focus()
      await page.keyboard.press('ArrowDown')
      await page.getByRole('grid', { name: 'invoiceTable' }).getByRole('row').nth(1).waitFor()
      await checkAccessibility(page, 'hosted app with a selection')
      await picture(page, 'app')
    },
  },
  {
    name: 'updating the address asks first, then shows it',
    run: async (page) => {
      const email = `changed.${Date.now()}@example.org`
      await page.getByLabel('New e-mail address').fill(email)
      await page.getByRole('button', { name: 'Update e-mail' }).click()
      await page.getByRole('dialog').getByText(email).waitFor()
      await checkAccessibility(page, 'confirmation')
      await page.getByRole('button', { name: 'Cancel' }).click()
      assert.equal(await page.getByRole('grid', { name: 'customerTable' }).getByText(email).count(), 0)
      await page.getByRole('button', { name: 'Update e-mail' }).click()
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByText('E-mail address updated.').waitFor()
      await page.getByRole('grid', { name: 'customerTable' }).getByText(email).waitFor()
    },
  },
  {
    name: 'the audit trail names who did it',
    run: async (page, url) => {
      await page.goto(`${url}/audit`)
      await page.getByRole('row').filter({ hasText: account.email }).filter({ hasText: 'updateEmail' }).first().waitFor()
      await checkAccessibility(page, 'audit')
      await picture(page, 'audit')
    },
  },
]
