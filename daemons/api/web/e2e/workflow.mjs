// @ts-check
/** The workflow page: running the demo, looking at each block, running one block alone. */
import { checkAccessibility, picture } from './browser.mjs'

const runMs = 60_000

/** @type {import('./entry.mjs').Step[]} */
export const workflowSteps = [
  {
    name: 'the workflow shows its graph',
    run: async (page, url) => {
      await page.goto(`${url}/workflows`)
      await page.getByRole('link', { name: 'Monthly revenue' }).click()
      await page.getByLabel('Block aggregate').click()
      await page.getByLabel('Code', { exact: true }).waitFor()
      await checkAccessibility(page, 'workflow')
      await picture(page, 'workflow')
    },
  },
  {
    name: 'a run goes through, and each block shows input, output, log and duration',
    run: async (page) => {
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page.getByLabel('Body').fill('{"month": "2026-03"}')
      await page.getByRole('button', { name: 'Start run' }).click()
      await page.getByRole('heading', { name: 'Run', exact: true }).waitFor()
      await page.locator('.page-head').getByText('Succeeded').waitFor({ timeout: runMs })
      await page.getByRole('button', { name: /^aggregate/ }).click()
      await page.getByText('invoices in').first().waitFor()
      await page.getByText(/processor/).waitFor()
      await page.getByText('loadInvoices').first().waitFor()
      await checkAccessibility(page, 'run')
      await picture(page, 'run')
    },
  },
  {
    name: 'code that throws shows its line, and nothing else breaks',
    run: async (page, url) => {
      await page.goto(`${url}/workflows/monthly-revenue`)
      await page.getByLabel('Block format').click()
      const code = page.getByLabel('Code', { exact: true })
      await code.click()
      await page.keyboard.press('Control+Home')
      await page.keyboard.type("console.log('before')\nthrow new Error('on purpose')\n")
      await page.getByRole('button', { name: 'Run block' }).click()
      await page.getByRole('alert').getByText('on purpose').waitFor({ timeout: runMs })
      await page.getByRole('log').getByText('before').waitFor()
      await picture(page, 'block-error')
    },
  },
  {
    name: 'a reference to an unknown block is refused when it is saved, at its block',
    run: async (page) => {
      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByLabel('Block isLarge').click()
      await page.getByLabel('Condition').click()
      await page.keyboard.press('Control+A')
      await page.keyboard.type('nowhere.total > 1')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await page.getByText('not a block that runs before').first().waitFor()
      await checkAccessibility(page, 'workflow with a fault')
    },
  },
]
