// @ts-check
/** A group is made, a run asks it with a form and then waits for an event, which is sent by hand. */
import { account } from './entry.mjs'
import { checkAccessibility, picture } from './browser.mjs'

const runMs = 60_000
const mark = Date.now()
const group = `finance-${mark}`
const slug = `refund-${mark}`
const document = {
  format: 1,
  title: `Refund ${mark}`,
  start: 'ask',
  blocks: {
    ask: { type: 'approval', title: 'Refund the order?', groups: [group], form: [{ name: 'amount', label: 'Amount', type: 'number', required: true }] },
    paid: { type: 'wait', for: { event: { name: 'refunded', key: 'trigger.body.order' } } },
  },
  edges: [{ from: 'ask', port: 'approved', to: 'paid' }],
}

/** @type {import('./entry.mjs').Step[]} */
export const eventsSteps = [
  {
    name: 'a group is made, and a person belongs to it',
    run: async (page, url) => {
      await page.goto(`${url}/groups`)
      await page.getByRole('button', { name: 'Add group' }).first().click()
      await page.getByLabel('Name').fill(group)
      await page.getByLabel('Description').fill('Who pays')
      await checkAccessibility(page, 'group dialog')
      await page.getByRole('dialog').getByRole('button', { name: 'Add group' }).click()
      const row = page.getByRole('row').filter({ hasText: group })
      await row.getByRole('button', { name: 'Members' }).click()
      await page.getByLabel('Add a person').selectOption({ label: `${account.name} (${account.email})` })
      await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click()
      await page.getByRole('list', { name: 'Members' }).getByText(account.email).waitFor()
      await checkAccessibility(page, 'members of a group')
      await picture(page, 'group-members')
      await page.getByRole('button', { name: 'Done' }).click()
      await row.getByText('1 person').filter({ visible: true }).waitFor()
      await checkAccessibility(page, 'groups')
      await picture(page, 'groups')
    },
  },
  {
    name: 'the blocks of such a workflow are edited with their groups, forms and events',
    run: async (page, url) => {
      const body = JSON.stringify({ slug, title: document.title, document })
      await page.evaluate(async (text) => {
        const send = (/** @type {string} */ path, /** @type {string} */ sent) => fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', 'x-bulkhead-csrf': '1' }, body: sent })
        const made = await send('/api/v1/workflows', text)
        if (!made.ok) throw new Error(await made.text())
        await send(`/api/v1/workflows/${JSON.parse(text).slug}/releases`, '{"revision": 1}')
      }, body)
      await page.goto(`${url}/workflows/${slug}`)
      await page.getByLabel('Block ask').click()
      await page.getByRole('checkbox', { name: group, checked: true }).first().waitFor()
      await page.getByRole('group', { name: 'Field amount' }).waitFor()
      await checkAccessibility(page, 'approval block')
      await picture(page, 'block-approval')
      await page.getByLabel('Block paid').click()
      await page.getByLabel('Event').waitFor()
      await checkAccessibility(page, 'event block')
      await picture(page, 'block-event')
    },
  },
  {
    name: 'a member fills in the form, and the event ends the run',
    run: async (page) => {
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page.getByLabel('Body').fill('{"order": 17}')
      await page.getByRole('button', { name: 'Start run' }).click()
      await page.getByText('Refund the order?').waitFor({ timeout: runMs })
      await page.getByRole('button', { name: 'Approve' }).click()
      await page.getByLabel('Amount').fill('12.5')
      await checkAccessibility(page, 'decision with a form')
      await picture(page, 'decision-form')
      await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click()
      await page.getByText('Waits for the event refunded with the key 17 at paid').waitFor({ timeout: runMs })
      await checkAccessibility(page, 'run that waits for an event')
      await picture(page, 'run-event')
      await page.getByRole('button', { name: 'Send event' }).click()
      await page.getByLabel('Body').fill('{"amount": 12.5}')
      await checkAccessibility(page, 'event dialog')
      await page.getByRole('dialog').getByRole('button', { name: 'Send event' }).click()
      await page.locator('.page-head').getByText('Succeeded').waitFor({ timeout: runMs })
    },
  },
]
