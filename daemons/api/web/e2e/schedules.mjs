// @ts-check
/** A schedule from its first look ahead to its pause, the queue of its workflow, and lists of runs that are narrowed. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, picture } from './browser.mjs'

const runMs = 60_000
const slug = `nightly-${Date.now()}`

/** @type {import('./entry.mjs').Step[]} */
export const schedulesSteps = [
  {
    name: 'a schedule shows its next points in time while it is made',
    run: async (page, url) => {
      await page.goto(`${url}/workflows`)
      await page.getByRole('button', { name: 'New workflow' }).click()
      await page.getByLabel('Title').fill('Nightly check')
      await page.getByLabel('Address').fill(slug)
      await page.getByRole('button', { name: 'Create workflow' }).click()
      await page.getByLabel('Block hello').waitFor()
      await page.getByRole('button', { name: 'Workflow settings' }).click()
      await page.getByRole('button', { name: 'Add schedule' }).click()
      await page.getByLabel('Repeats').selectOption({ label: 'On weekdays' })
      await page.getByLabel('At', { exact: true }).fill('08:30')
      await page.getByLabel('Time zone').fill('Europe/Vienna')
      const points = page.getByRole('table', { name: 'Next points in time' })
      await points.getByText(/^Mon.*08:30$/).waitFor()
      assert.equal(await page.getByLabel('Cron expression').inputValue(), '30 8 * * 1-5')
      assert.equal(await points.locator('time').count(), 5)
      await checkAccessibility(page, 'schedule')
      await picture(page, 'schedule')
    },
  },
  {
    name: 'an expression that is none is told at its field',
    run: async (page) => {
      const cron = page.getByLabel('Cron expression')
      await cron.fill('61 8 * * *')
      await page.getByText('is not understood').waitFor()
      await checkAccessibility(page, 'schedule with a fault')
      await cron.fill('30 8 * * 1-5')
      await page.getByRole('table', { name: 'Next points in time' }).waitFor()
    },
  },
  {
    name: 'released it has a next point in time, until it is paused',
    run: async (page) => {
      await page.getByRole('button', { name: 'Release', exact: true }).click()
      await page.getByText('Version 1', { exact: true }).waitFor()
      await page.getByText('As released: next').waitFor()
      await page.getByRole('link', { name: 'Operation' }).click()
      const row = page.getByRole('row').filter({ hasText: 'schedule' }).filter({ hasText: 'Europe/Vienna' })
      await row.getByText(/, 08:30$/).waitFor()
      await checkAccessibility(page, 'operation')
      await picture(page, 'operation')
      await row.getByRole('button', { name: 'Pause' }).click()
      await row.getByText('Paused').waitFor()
      await row.getByRole('button', { name: 'Resume' }).click()
      await row.getByText(/, 08:30$/).waitFor()
    },
  },
  {
    name: 'a limit is set, and is still there afterwards',
    run: async (page) => {
      await page.getByLabel('Runs at the same time').fill('0')
      await page.getByText('A whole number from 1 to 10,000').waitFor()
      await page.getByLabel('Runs at the same time').fill('2')
      await page.getByLabel('Priority').selectOption({ label: 'High' })
      await page.getByRole('button', { name: 'Save settings' }).click()
      await page.getByText('Saved: it counts from now on.').waitFor()
      await page.reload()
      await page.getByLabel('Runs at the same time').waitFor()
      assert.equal(await page.getByLabel('Runs at the same time').inputValue(), '2')
    },
  },
  {
    name: 'a run of a paused workflow waits and says why, and begins when that is resumed',
    run: async (page) => {
      await page.getByRole('button', { name: 'Pause workflow' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Pause workflow' }).click()
      await page.getByText('This workflow is paused').waitFor()
      await checkAccessibility(page, 'paused workflow')
      await page.getByRole('link', { name: 'Blocks' }).click()
      await page.getByRole('button', { name: 'Run', exact: true }).click()
      await page.getByRole('button', { name: 'Start run' }).click()
      await page.getByText('It waits because its workflow is paused.').waitFor()
      await checkAccessibility(page, 'queued run')
      await picture(page, 'run-queued')
      const run = page.url()
      await page.getByRole('link', { name: 'Resume the workflow' }).click()
      await page.getByRole('button', { name: 'Resume workflow' }).click()
      await page.getByText('This workflow is paused').waitFor({ state: 'detached' })
      await page.goto(run)
      await page.locator('.page-head').getByText('Succeeded').waitFor({ timeout: runMs })
    },
  },
  {
    name: 'a run begins again at a block',
    run: async (page) => {
      await page.getByRole('button', { name: 'Run again from here' }).click()
      await page.getByRole('heading', { name: 'Run again from hello' }).waitFor()
      await checkAccessibility(page, 'run again from a block')
      await page.getByRole('button', { name: 'Start run' }).click()
      await page.getByText('Goes on from').waitFor()
      await page.locator('.page-head').getByText('Succeeded').waitFor({ timeout: runMs })
    },
  },
  {
    name: 'runs are filtered, and the filters stand in the address',
    run: async (page, url) => {
      await page.goto(`${url}/workflows/${slug}?tab=runs`)
      const rows = page.getByRole('row').filter({ hasText: 'Hand' })
      await rows.nth(1).waitFor()
      await page.getByLabel('Status').selectOption({ label: 'Failed' })
      await page.getByText('No run fits').waitFor()
      await page.waitForURL(/status=failed/)
      await page.reload()
      await page.getByText('No run fits').waitFor()
      await checkAccessibility(page, 'runs that are filtered')
      await picture(page, 'runs-filtered')
      await page.getByRole('button', { name: 'Clear filters' }).first().click()
      await page.getByLabel('Started by').selectOption({ label: 'Hand' })
      await page.getByLabel('Time', { exact: true }).selectOption({ label: 'Last 24 hours' })
      await page.getByLabel('Text in what started the run').fill('ada@example.org')
      await page.waitForURL(/text=ada/)
      await rows.nth(1).waitFor()
    },
  },
  {
    name: 'the queue shows how it stands, and an administrator pauses it',
    run: async (page, url) => {
      await page.goto(`${url}/runs`)
      await page.getByText('Oldest in the queue').waitFor()
      await page.getByRole('button', { name: 'Pause queue' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Pause queue' }).click()
      await page.getByText('The queue is paused', { exact: true }).waitFor()
      await checkAccessibility(page, 'paused queue')
      await picture(page, 'queue-paused')
      await page.getByRole('button', { name: 'Resume queue' }).click()
      await page.getByRole('button', { name: 'Pause queue' }).waitFor()
    },
  },
  {
    name: 'on a narrow screen a menu leads everywhere',
    run: async (page, url) => {
      await page.setViewportSize({ width: 360, height: 640 })
      await page.goto(url)
      await page.getByRole('button', { name: 'Menu' }).click()
      await checkAccessibility(page, 'menu on a narrow screen')
      await page.getByRole('link', { name: 'Approvals' }).click()
      await page.getByRole('heading', { name: 'Approvals', exact: true }).waitFor()
      await page.getByRole('button', { name: 'Menu', exact: true, expanded: false }).waitFor()
      await page.setViewportSize({ width: 1440, height: 900 })
    },
  },
]
