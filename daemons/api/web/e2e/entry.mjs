// @ts-check
/** Coming in: the one-time link, logging out and in, wrong words. */
import { checkAccessibility, picture } from './browser.mjs'

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{ name: string, run: (page: Page, url: string) => Promise<void> }} Step */

export const account = { name: 'Ada Novak', email: 'ada@example.org', password: 'correct horse battery staple' }

/** @returns {Step[]} */
export function entrySteps(/** @type {string} */ link) {
  return [
    {
      name: 'nobody gets in without a session',
      run: async (page, url) => {
        await page.goto(`${url}/apps`)
        await page.waitForURL(/\/login/)
        await checkAccessibility(page, 'login')
        await picture(page, 'login')
      },
    },
    {
      name: 'the one-time link makes the first administrator',
      run: async (page, url) => {
        const token = new URL(link).searchParams.get('token') ?? ''
        await page.goto(`${url}/setup?token=${token}`)
        await page.getByLabel('Your name').fill(account.name)
        await page.getByLabel('E-mail').fill(account.email)
        await page.getByLabel('Password').fill('short')
        await page.getByText('it needs 12 characters').waitFor()
        await checkAccessibility(page, 'setup')
        await picture(page, 'setup')
        await page.getByLabel('Password').fill(account.password)
        await page.getByRole('button', { name: 'Create the account' }).click()
        await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor()
        await checkAccessibility(page, 'home')
        await picture(page, 'home')
      },
    },
    {
      name: 'the link works once',
      run: async (page, url) => {
        await page.goto(`${url}/setup?token=${new URL(link).searchParams.get('token')}`)
        await page.getByText('was used already').waitFor()
        await checkAccessibility(page, 'spent link')
      },
    },
    {
      name: 'log out, a wrong password, log in',
      run: async (page, url) => {
        await page.goto(url)
        await page.getByRole('button', { name: 'Log out' }).click()
        await page.waitForURL(/\/login/)
        await page.getByLabel('E-mail').fill(account.email)
        await page.getByLabel('Password').fill('not the password')
        await page.getByRole('button', { name: 'Log in' }).click()
        await page.getByRole('alert').getByText('wrong').waitFor()
        await page.getByLabel('Password').fill(account.password)
        await page.getByRole('button', { name: 'Log in' }).click()
        await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor()
      },
    },
    {
      name: 'lists, dialogs and an invitation',
      run: async (page, url) => {
        for (const [path, heading] of /** @type {const} */ ([['apps', 'Apps'], ['workflows', 'Workflows'], ['resources', 'Resources'], ['runs', 'Runs'], ['users', 'Users']])) {
          await page.goto(`${url}/${path}`)
          await page.getByRole('heading', { name: heading, exact: true }).waitFor()
          await page.waitForLoadState('networkidle')
          await checkAccessibility(page, path)
          await picture(page, path)
        }
        await page.getByRole('button', { name: 'Invite a person' }).click()
        await page.getByLabel('Name').fill('Ben Okafor')
        await page.getByLabel('E-mail').fill('ben@example.org')
        await checkAccessibility(page, 'invite dialog')
        await page.getByRole('button', { name: 'Create invitation' }).click()
        await page.getByLabel('Invitation link').waitFor()
        await page.getByRole('button', { name: 'Done' }).click()
        await page.getByText('ben@example.org').waitFor()
      },
    },
    {
      name: 'a resource with a wrong password says so',
      run: async (page, url) => {
        await page.goto(`${url}/resources`)
        await page.getByRole('button', { name: 'Add resource' }).click()
        await page.getByRole('button', { name: /PostgreSQL/ }).click()
        await page.getByLabel('Name').fill('nowhere')
        await page.getByLabel('Host').fill('no/host')
        await page.getByLabel('Database').fill('shop')
        await page.getByLabel('User').fill('reader')
        await page.getByLabel('Password').fill('wrong')
        await page.getByRole('button', { name: 'Test connection' }).click()
        await page.getByText('must be one host name').first().waitFor()
        await checkAccessibility(page, 'resource dialog')
        await picture(page, 'resource-dialog')
        await page.getByRole('button', { name: 'Cancel' }).click()
      },
    },
  ]
}
