// @ts-check
/** One's own account: a second factor is set up, asked for and taken away; sessions are seen and ended; a token is made, used and revoked. */
import { strict as assert } from 'node:assert'
import { createHmac } from 'node:crypto'
import { checkAccessibility, picture } from './browser.mjs'
import { account } from './entry.mjs'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What an authenticator app shows for a secret, so many steps of 30 seconds from now. */
function codeOf(/** @type {string} */ secret, steps = 0) {
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const digest = createHmac('sha1', key).update(counter).digest()
  const number = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7fffffff
  return String(number % 1_000_000).padStart(6, '0')
}

let secret = ''
let recovery = ''

const enterPassword = async (/** @type {import('playwright-core').Page} */ page, /** @type {string} */ url) => {
  await page.goto(url)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(/\/login/)
  await page.getByLabel('E-mail').fill(account.email)
  await page.getByLabel('Password').fill(account.password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

/** @type {import('./entry.mjs').Step[]} */
export const accountSteps = [
  {
    name: 'a second factor is set up with a code of its own',
    run: async (page, url) => {
      await page.goto(`${url}/account`)
      const section = page.getByRole('region', { name: 'Second factor' })
      await section.getByRole('button', { name: 'Set up' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Your password').fill(account.password)
      await dialog.getByRole('button', { name: 'Continue' }).click()
      await dialog.getByRole('img', { name: 'QR code of the secret' }).waitFor()
      secret = await dialog.getByLabel('Secret', { exact: true }).inputValue()
      await checkAccessibility(page, 'second factor')
      await picture(page, 'second-factor')
      await dialog.getByLabel('Code that the app shows').fill(codeOf(secret))
      await dialog.getByRole('button', { name: 'Turn on' }).click()
      const codes = dialog.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem')
      await codes.first().waitFor()
      assert.equal(await codes.count(), 10)
      recovery = (await codes.first().textContent()) ?? ''
      await checkAccessibility(page, 'recovery codes')
      await dialog.getByRole('button', { name: 'I have kept them' }).click()
      await section.getByText('10 recovery codes left').waitFor()
    },
  },
  {
    name: 'after the password a code is asked for, and a recovery code does as well',
    run: async (page, url) => {
      await enterPassword(page, url)
      await page.getByRole('heading', { name: 'Enter a code' }).waitFor()
      await checkAccessibility(page, 'code at log-in')
      await picture(page, 'log-in-code')
      await page.getByLabel('Code', { exact: true }).fill('000000 0')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('alert').getByText('wrong').waitFor()
      // The next step's: the present one may have been used to set it up.
      await page.getByLabel('Code', { exact: true }).fill(codeOf(secret, 1))
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor()
      await enterPassword(page, url)
      await page.getByLabel('Code', { exact: true }).fill(recovery)
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('heading', { name: 'Hello, Ada' }).waitFor()
    },
  },
  {
    name: 'sessions are listed, this one marked, and the second factor is taken away',
    run: async (page, url) => {
      await page.goto(`${url}/account`)
      const sessions = page.getByRole('region', { name: 'Sessions' })
      await sessions.getByText('This one').waitFor()
      await sessions.getByText('Chrome on Linux').first().waitFor()
      await checkAccessibility(page, 'account')
      await picture(page, 'account')
      const section = page.getByRole('region', { name: 'Second factor' })
      await section.getByText('9 recovery codes left').waitFor()
      await section.getByRole('button', { name: 'Remove' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Your password').fill(account.password)
      await dialog.getByRole('button', { name: 'Remove it' }).click()
      await section.getByRole('button', { name: 'Set up' }).waitFor()
    },
  },
  {
    name: 'a token is shown once, works, and does not after it was revoked',
    run: async (page, url) => {
      await page.goto(`${url}/account`)
      const section = page.getByRole('region', { name: 'Tokens' })
      await section.getByRole('button', { name: 'Create token' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Name').fill('e2e')
      await checkAccessibility(page, 'create token')
      await dialog.getByRole('button', { name: 'Create', exact: true }).click()
      const token = await dialog.getByLabel('New token').inputValue()
      await dialog.getByRole('button', { name: 'Done' }).click()
      const status = async () => (await page.request.get(`${url}/api/v1/apps`, { headers: { authorization: `Bearer ${token}` } })).status()
      assert.equal(await status(), 200)
      await page.goto(`${url}/tokens`)
      await page.getByRole('row').filter({ hasText: 'e2e' }).getByText(account.email).waitFor()
      await checkAccessibility(page, 'all tokens')
      await page.getByRole('button', { name: 'Revoke e2e' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click()
      await page.getByText('Nobody has a token').waitFor()
      assert.equal(await status(), 401)
    },
  },
  {
    name: 'the audit page tells how far the trail is sealed',
    run: async (page, url) => {
      await page.goto(`${url}/audit`)
      await page.getByText(/^Sealed up to record \d+/).waitFor()
      await checkAccessibility(page, 'audit')
      await picture(page, 'audit')
    },
  },
]
