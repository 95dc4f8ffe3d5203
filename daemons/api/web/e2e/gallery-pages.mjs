// @ts-check
/** The first page, and the pages of one thing: full, new, no answer yet, a failure, no permission. */
import { checkHighContrast } from './browser.mjs'
import { everything, nothing } from './gallery-answers.mjs'
import { answer } from './gallery-api.mjs'
import { logs, newQuery, newWorkflow, operation, query, rounds, rows, runs, workflow } from './gallery-details.mjs'
import { answersFor, failure, look, refusal, waiting } from './gallery-look.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

const full = answersFor(everything)
const run = runs.waiting.run.id
const workflowAddress = `/workflows/${workflow.slug}`
const runAddress = `${workflowAddress}/runs/${run}`
const runAnswers = (/** @type {keyof typeof runs} */ state) => ({ ...full, [`GET /runs/${run}`]: runs[state], [`GET /runs/${run}/logs`]: logs, [`GET /runs/${run}/blocks/write/rounds`]: rounds })
const operated = { [`GET ${workflowAddress}/schedules`]: operation.schedules, [`GET ${workflowAddress}/settings`]: operation.settings, [`GET ${workflowAddress}/runs`]: everything['/api/v1/runs'] }
const workflowAnswers = { ...full, ...operated, [`GET ${workflowAddress}`]: workflow }
const queryAnswers = { ...full, 'GET /queries/open-orders': query, 'POST /queries/open-orders/run': rows }

/**
 * Of each page: its address, what it asks about, and how it looks by the answers; what is to be seen says when it is there.
 *
 * @type {{ name: string, address: string, asks: readonly string[], states: Record<string, { answers: Record<string, unknown>, at?: string, shows: (page: Page) => Promise<void> }> }[]}
 */
const pages = [
  {
    name: 'the first page',
    address: '/',
    asks: ['/apps', '/workflows', '/runs'],
    states: {
      full: { answers: full, shows: (page) => page.getByRole('link', { name: 'Orders', exact: true }).waitFor() },
      empty: { answers: answersFor({ ...nothing, '/api/v1/sign-in': everything['/api/v1/sign-in'] }), shows: (page) => page.getByText('Nothing ran yet.').waitFor() },
    },
  },
  {
    name: 'a query of the library',
    address: '/queries/open-orders',
    asks: ['/queries/open-orders'],
    states: {
      full: {
        answers: queryAnswers,
        shows: async (page) => {
          await page.getByRole('textbox', { name: 'Statement' }).waitFor()
          await page.getByRole('button', { name: 'Run query' }).click()
          await page.getByText('Lyon Fret').first().waitFor()
        },
      },
      new: { answers: { ...queryAnswers, 'GET /queries/open-orders': newQuery }, shows: (page) => page.getByText('Never released').waitFor() },
    },
  },
  {
    name: 'a workflow',
    address: workflowAddress,
    asks: [workflowAddress],
    states: {
      full: { answers: workflowAnswers, shows: (page) => page.getByLabel('Block summary').waitFor() },
      new: { answers: { ...workflowAnswers, [`GET ${workflowAddress}`]: newWorkflow }, shows: (page) => page.getByLabel('Block transform').first().waitFor() },
      'its runs': { answers: workflowAnswers, at: '?tab=runs', shows: (page) => page.getByRole('cell', { name: 'Succeeded' }).first().waitFor() },
      'its operation': { answers: workflowAnswers, at: '?tab=operation', shows: (page) => page.getByText('Europe/Vienna').first().waitFor() },
    },
  },
  {
    name: 'a run',
    address: runAddress,
    asks: [`/runs/${run}`],
    states: {
      succeeded: { answers: runAnswers('succeeded'), shows: (page) => page.getByRole('log').waitFor() },
      failed: { answers: runAnswers('failed'), shows: (page) => page.getByText('already exists').first().waitFor() },
      waiting: { answers: runAnswers('waiting'), shows: (page) => page.getByRole('button', { name: 'Approve' }).waitFor() },
      queued: { answers: runAnswers('queued'), shows: (page) => page.getByText('No block has begun yet.').waitFor() },
    },
  },
]

/** @type {{ name: string, kind: string, expects?: RegExp, run: (page: Page, url: string) => Promise<void> }[]} */
export const pageSteps = pages.map(({ name, address, asks, states }) => ({
  kind: 'pages',
  name: `${name}: ${Object.keys(states).join(', ')}, no answer yet, a failure, no permission`,
  // Word of a run's changes comes from nowhere here.
  expects: /status of (403|404|500)/,
  run: async (page, url) => {
    const [some] = Object.values(states)
    const open = async (/** @type {Record<string, unknown>} */ answers, at = '') => {
      await answer(page, answers)
      await page.goto(url + address + at)
    }
    const instead = (/** @type {unknown} */ content) => ({ ...some?.answers, ...Object.fromEntries(asks.map((place) => [`GET ${place}`, content])) })
    for (const [state, { answers, at, shows }] of Object.entries(states)) {
      await open(answers, at)
      await shows(page)
      await look(page, `page ${name} ${state}`)
      if (state === Object.keys(states)[0]) await checkHighContrast(page, `page ${name} ${state}`)
    }
    await open(instead(() => waiting))
    await page.getByRole('status', { name: 'Loading' }).first().waitFor()
    await look(page, `page ${name} waiting for an answer`)
    await open(instead(failure))
    await page.getByRole('alert').getByText(failure.detail).first().waitFor()
    await page.getByRole('button', { name: 'Try again' }).first().waitFor()
    await look(page, `page ${name} after a failure`)
    await open(instead(refusal))
    await page.getByRole('alert').getByText(refusal.detail).first().waitFor()
    await look(page, `page ${name} without permission`)
  },
}))
