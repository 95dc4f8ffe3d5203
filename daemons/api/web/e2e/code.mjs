// @ts-check
/** What administrators give to code: secrets and sets of libraries. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, picture } from './browser.mjs'

const value = `canary-${Date.now()}`
const secret = `crmToken${Date.now()}`
const set = `science${Date.now()}`
const lock = `numpy==2.1.0 \\\n    --hash=sha256:${'a'.repeat(64)}\n`

/** @type {import('./entry.mjs').Step[]} */
export const codeSteps = [
  {
    name: 'a secret is added, granted and never shown again',
    run: async (page, url) => {
      await page.goto(`${url}/secrets`)
      await page.getByRole('heading', { name: 'Secrets', exact: true }).waitFor()
      await page.waitForLoadState('networkidle')
      await checkAccessibility(page, 'secrets, empty')
      await picture(page, 'secrets-empty')
      await page.getByRole('button', { name: 'Add secret' }).click()
      await page.getByLabel('Name').fill(secret)
      await page.getByLabel('Value').fill(value)
      await page.getByLabel('Monthly revenue').check()
      await checkAccessibility(page, 'secret dialog')
      await picture(page, 'secret-dialog')
      await page.getByRole('dialog').getByRole('button', { name: 'Add secret' }).click()
      await page.getByRole('row').filter({ hasText: secret }).getByRole('cell', { name: 'Monthly revenue', exact: true }).waitFor()
      await checkAccessibility(page, 'secrets')
      await picture(page, 'secrets')
      assert.ok(!(await page.content()).includes(value))
    },
  },
  {
    name: 'a grant is taken away, a value replaced, the secret deleted',
    run: async (page) => {
      const row = page.getByRole('row').filter({ hasText: secret })
      await row.getByRole('button', { name: `Grant ${secret}` }).click()
      await page.getByLabel('Monthly revenue').uncheck()
      await checkAccessibility(page, 'grants of a secret')
      await picture(page, 'secret-grants')
      await page.getByRole('button', { name: 'Save' }).click()
      await row.getByRole('cell', { name: 'No workflow yet', exact: true }).waitFor()
      await row.getByRole('button', { name: 'Replace' }).click()
      await page.getByLabel('Value').fill('another')
      await page.getByRole('button', { name: 'Replace value' }).click()
      await page.getByRole('dialog').waitFor({ state: 'detached' })
      await row.getByRole('button', { name: `Delete ${secret}` }).click()
      await page.getByRole('button', { name: 'Delete secret' }).click()
      await row.waitFor({ state: 'detached' })
    },
  },
  {
    name: 'a lock file without hashes is refused with its line',
    run: async (page, url) => {
      await page.goto(`${url}/libraries`)
      await page.getByRole('heading', { name: 'Libraries', exact: true }).waitFor()
      await page.waitForLoadState('networkidle')
      await checkAccessibility(page, 'libraries, empty')
      await picture(page, 'libraries-empty')
      await page.getByRole('button', { name: 'Add libraries' }).click()
      await page.getByLabel('Name').fill(set)
      await page.getByLabel('Choose a file').setInputFiles({ name: 'requirements.txt', mimeType: 'text/plain', buffer: Buffer.from('# ours\nnumpy==2.1.0\n') })
      await page.getByText('Took requirements.txt').waitFor()
      await page.getByRole('button', { name: 'Add and build' }).click()
      await page.getByText('line 2: needs').first().waitFor()
      await checkAccessibility(page, 'libraries dialog')
      await picture(page, 'libraries-dialog')
    },
  },
  {
    name: 'a set of libraries is added, looked at and deleted',
    run: async (page) => {
      await page.getByLabel('requirements.txt').fill(lock)
      await page.getByLabel('Import ahead').fill('numpy')
      await page.getByRole('button', { name: 'Add and build' }).click()
      const row = page.getByRole('row').filter({ hasText: set })
      await row.getByText(/Waiting|Building|Ready|Failed/).waitFor()
      await checkAccessibility(page, 'libraries')
      await picture(page, 'libraries')
      await row.getByRole('button', { name: 'Details' }).click()
      await page.getByRole('heading', { name: 'Build log' }).waitFor()
      await checkAccessibility(page, 'details of libraries')
      await picture(page, 'libraries-details')
      await page.getByRole('button', { name: 'Done' }).click()
      await row.getByRole('button', { name: `Delete ${set}` }).click()
      await page.getByRole('button', { name: 'Delete libraries' }).click()
      await row.waitFor({ state: 'detached' })
    },
  },
]
