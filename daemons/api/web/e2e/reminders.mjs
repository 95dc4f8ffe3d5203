// @ts-check
/** A run with every kind of flow in it: it loops, waits for a person, who approves it, and goes on to its end. */
import { checkAccessibility, picture } from './browser.mjs'

const runMs = 60_000
const comment = `Fine by me (${Date.now()})`

/** @type {import('./entry.mjs').Step[]} */
export const remindersSteps = [
  {
    name: 'a run of the reminders waits for an approval',
    run: async (page, url) => {
      await page.goto(`${url}/approvals`)
      // Runs that other tests left behind may ask something too.
      await page.getByText('Nothing waits for you').or(page.getByRole('row').nth(1)).waitFor()
      await checkAccessibility(page, 'approvals before the run')
      await picture(page, 'approvals-before')
      await page.goto(`${url}/workflows`)
      await page.getByRole('link', { name: 'Payment reminders' }).click()
      await page.getByLabel('Block letters').waitFor()
      await picture(page, 'reminders')
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page.getByLabel('Body').fill('{"pause": 0}')
      await page.getByRole('button', { name: 'Start run' }).click()
      await page.locator('.page-head').getByText('Waiting').waitFor({ timeout: runMs })
      await page.getByText('Waits for an approval at approve').waitFor()
      await page.getByText(/^Send \d+ payment reminders\?$/).waitFor()
      await checkAccessibility(page, 'run that waits')
      await picture(page, 'run-waiting')
    },
  },
  {
    name: 'the question is under Approvals, and approving it lets the run go on to its end',
    run: async (page) => {
      const run = page.url()
      await page.getByRole('link', { name: 'Approvals' }).click()
      const question = page.getByRole('row').filter({ has: page.locator(`a[href="${new URL(run).pathname}"]`) })
      await question.waitFor()
      await checkAccessibility(page, 'approvals')
      await picture(page, 'approvals')
      await question.getByRole('button', { name: 'Approve' }).click()
      await page.getByLabel('Send by').selectOption({ label: 'Post' })
      await page.getByLabel('Comment').fill(comment)
      await checkAccessibility(page, 'decision dialog')
      await picture(page, 'decision-dialog')
      await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click()
      await question.waitFor({ state: 'detached' })
      await page.goto(run)
      await page.locator('.page-head').getByText('Succeeded').waitFor({ timeout: runMs })
      const blocks = page.getByRole('list', { name: 'Blocks that began' })
      await blocks.getByRole('button', { name: /^approve/ }).click()
      await page.getByText(comment).waitFor()
    },
  },
  {
    name: 'the rounds of its loop are there one by one',
    run: async (page) => {
      await page.getByRole('list', { name: 'Blocks that began' }).getByRole('button', { name: /^letters/ }).click()
      const rounds = page.getByRole('list', { name: 'Rounds of letters' })
      await rounds.getByRole('button', { name: 'The whole loop', pressed: true }).waitFor()
      await rounds.getByRole('button', { name: /^Round 2 / }).click()
      await rounds.getByRole('button', { name: /^Round 2 /, pressed: true }).waitFor()
      await page.getByRole('group', { name: 'Output' }).getByText('invoice').waitFor()
      await checkAccessibility(page, 'run with rounds')
      await picture(page, 'run-rounds')
    },
  },
]
