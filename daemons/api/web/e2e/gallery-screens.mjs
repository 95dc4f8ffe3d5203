// @ts-check
/** Every list of the studio as it is when there is much, nothing, no answer yet, a failure, or no permission. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, checkHighContrast, picture } from './browser.mjs'
import { everything, nothing } from './gallery-answers.mjs'
import { answer, released } from './gallery-api.mjs'
import { answersFor, failure, look, refusal, waiting } from './gallery-look.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

/** Of each screen: its address, its heading, and the list that it is about. */
const screens = /** @type {const} */ ([
  ['/apps', 'Apps', '/apps'],
  ['/workflows', 'Workflows', '/workflows'],
  ['/resources', 'Resources', '/resources'],
  ['/ssh-hosts', 'SSH hosts', '/ssh-hosts'],
  ['/queries', 'Queries', '/queries'],
  ['/runs', 'Runs', '/runs'],
  ['/approvals', 'Approvals', '/approvals'],
  ['/libraries', 'Libraries', '/library-sets'],
  ['/secrets', 'Secrets', '/secrets'],
  ['/users', 'Users', '/users'],
  ['/groups', 'Groups', '/groups'],
  ['/folders', 'Folders', '/folders'],
  ['/environments', 'Environments', '/environments'],
  ['/source-control', 'Source control', '/source-control'],
  ['/audit', 'Audit', '/audit'],
  ['/log-in-settings', 'Log-in', '/sign-in/settings'],
  ['/account', 'Your account', '/account/sign-ins'],
])

/** @type {{ name: string, kind: string, expects?: RegExp, run: (page: Page, url: string) => Promise<void> }[]} */
export const screenSteps = [
  ...screens.map(([address, heading, list]) => ({
    kind: 'screens',
    name: `the screen ${address}: much, nothing, no answer yet, a failure, no permission`,
    expects: /status of (403|500)/,
    run: async (/** @type {Page} */ page, /** @type {string} */ url) => {
      const open = async (/** @type {Record<string, unknown>} */ answers, /** @type {string} */ state) => {
        await answer(page, answers)
        await page.goto(url + address)
        await page.getByRole('heading', { name: heading, exact: true, level: 1 }).waitFor()
        return `screen${address} ${state}`.replaceAll('/', '-')
      }
      const full = answersFor(everything)
      const much = await open(full, 'much')
      await page.locator('.page .skeleton').first().waitFor({ state: 'detached' })
      await look(page, much)
      await checkHighContrast(page, much)
      const empty = await open(answersFor({ ...nothing, '/api/v1/sign-in': everything['/api/v1/sign-in'] }), 'nothing')
      await page.locator('.page .skeleton').first().waitFor({ state: 'detached' })
      await look(page, empty)
      await open({ ...full, [`GET ${list}`]: () => waiting }, 'no answer yet')
      await page.getByRole('status', { name: 'Loading' }).first().waitFor()
      const failed = await open({ ...full, [`GET ${list}`]: failure }, 'a failure')
      await page.getByRole('alert').getByText('Something went wrong on the server.').first().waitFor()
      await page.getByRole('button', { name: 'Try again' }).waitFor()
      await checkAccessibility(page, failed)
      const refused = await open({ ...full, [`GET ${list}`]: refusal }, 'no permission')
      await page.getByRole('alert').getByRole('heading', { name: 'You have no access here' }).waitFor()
      await checkAccessibility(page, refused)
    },
  })),
  {
    kind: 'screens',
    name: 'how one comes in',
    expects: /status of (401|404)/,
    run: async (page, url) => {
      await answer(page, answersFor(everything))
      await page.goto(`${url}/login`)
      await page.getByRole('button', { name: 'Log in with Company account' }).waitFor()
      await look(page, 'screen-login')
      await checkHighContrast(page, 'screen-login')
      await page.goto(`${url}/setup?token=spent`)
      await page.getByRole('heading', { name: 'This link does not work' }).waitFor()
      await look(page, 'screen-setup')
    },
  },
  {
    kind: 'screens',
    name: 'a person reads their own language, whose catalogue alone arrives',
    run: async (page, url) => {
      await answer(page, { ...answersFor(everything), 'GET /apps/orders/released': released({ pages: { home: { components: {}, layout: {} }, other: { components: {}, layout: {} } } }) })
      const loaded = () => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /\/de-[\w-]+\.js$/.test(name)).length)
      await page.goto(`${url}/account`)
      await page.getByRole('link', { name: 'Home' }).waitFor()
      assert.deepEqual([await loaded(), await page.evaluate(() => document.documentElement.lang)], [0, 'en'])
      await page.getByLabel('Language').selectOption('Deutsch')
      await page.getByRole('heading', { name: 'Ihr Konto' }).waitFor()
      await page.getByRole('link', { name: 'Umgebungen' }).waitFor()
      assert.deepEqual([await loaded(), await page.evaluate(() => document.documentElement.lang)], [1, 'de'])
      await look(page, 'screen-account-german')
      await page.goto(`${url}/apps`)
      await page.getByText(/^vor \d+ Minuten$/).first().waitFor()
      await look(page, 'screen-apps-german')
      await page.goto(`${url}/apps/orders`)
      await page.getByRole('navigation', { name: 'Seiten' }).waitFor()
      await page.goto(`${url}/account`)
      await page.getByLabel('Sprache').selectOption('Wie der Browser')
      await page.getByRole('heading', { name: 'Your account' }).waitFor()
    },
  },
  {
    kind: 'screens',
    name: 'a theme is chosen, and kept; what moves does not where that is asked for',
    run: async (page, url) => {
      await answer(page, { ...answersFor(everything), 'GET /apps': () => waiting })
      await page.goto(`${url}/apps`)
      const chosen = () => page.evaluate(() => ({ ...document.documentElement.dataset }))
      await page.getByRole('button', { name: 'Theme' }).click()
      await page.getByRole('menuitemradio', { name: 'High contrast' }).click()
      assert.deepEqual(await chosen(), { contrast: 'more' })
      await page.reload()
      await page.getByRole('button', { name: 'Theme' }).click()
      assert.equal(await page.getByRole('menuitemradio', { name: 'High contrast' }).getAttribute('aria-checked'), 'true')
      await checkAccessibility(page, 'theme menu')
      await page.getByRole('menuitemradio', { name: 'Dark' }).click()
      assert.deepEqual(await chosen(), { theme: 'dark' })
      await page.getByRole('button', { name: 'Theme' }).click()
      await page.getByRole('menuitemradio', { name: 'As the system' }).click()
      assert.deepEqual(await chosen(), {})
      await page.emulateMedia({ contrast: 'more' })
      await page.waitForFunction(() => document.documentElement.dataset.contrast === 'more')
      await page.emulateMedia({ contrast: 'no-preference' })
      await page.waitForFunction(() => !document.documentElement.dataset.contrast)
      const moving = () => page.evaluate(() => document.getAnimations().length)
      assert.ok((await moving()) > 0)
      await page.emulateMedia({ reducedMotion: 'reduce' })
      assert.equal(await moving(), 0)
      await page.emulateMedia({ reducedMotion: 'no-preference', forcedColors: 'active' })
      const link = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Apps', exact: true })
      assert.match(await link.evaluate((element) => getComputedStyle(element).outlineStyle), /solid/)
      await picture(page, 'screen-forced-colors')
      await page.emulateMedia({ forcedColors: 'none' })
    },
  },
]
