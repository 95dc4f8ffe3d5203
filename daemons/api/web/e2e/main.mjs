// @ts-check
/**
 * The demo, done as a person would do it, in a real browser against a running Bulkhead.
 *
 * BULKHEAD_URL is its address, BULKHEAD_ADMIN_LINK the link that `cargo xtask up` prints (used up by the run).
 */
import { strict as assert } from 'node:assert'
import { accountSteps } from './account.mjs'
import { appSteps } from './app.mjs'
import { findings, launch, violations } from './browser.mjs'
import { builderSteps } from './builder.mjs'
import { codeSteps } from './code.mjs'
import { componentsSteps } from './components.mjs'
import { entrySteps } from './entry.mjs'
import { eventsSteps } from './events.mjs'
import { importsSteps } from './imports.mjs'
import { lifeSteps } from './life.mjs'
import { remindersSteps } from './reminders.mjs'
import { schedulesSteps } from './schedules.mjs'
import { startsSteps } from './starts.mjs'
import { workflowSteps } from './workflow.mjs'

const url = process.env.BULKHEAD_URL
const link = process.env.BULKHEAD_ADMIN_LINK
if (!url || !link) {
  console.error('Set BULKHEAD_URL and BULKHEAD_ADMIN_LINK: `cargo xtask up` prints both.')
  process.exit(2)
}

const { browser, page } = await launch()
const steps = [
  ...entrySteps(link), ...appSteps, ...workflowSteps, ...remindersSteps, ...eventsSteps, ...schedulesSteps, ...importsSteps, ...builderSteps, ...startsSteps, ...lifeSteps, ...componentsSteps, ...codeSteps, ...accountSteps,
]
let passed = 0
let failed = 0
const report = (/** @type {string} */ name, /** @type {unknown} */ error) => {
  if (error === undefined) passed += 1
  else failed += 1
  console.log(error === undefined ? `ok      ${name}` : `FAILED  ${name}\n        ${error instanceof Error ? error.message.replaceAll('\n', '\n        ') : error}`)
}
for (const { name, run } of steps) {
  let problem
  try {
    await run(page, url.replace(/\/$/, ''))
  } catch (error) {
    problem = error
    if (process.env.BULKHEAD_PICTURES) await page.screenshot({ path: `${process.env.BULKHEAD_PICTURES}/failed-${failed + 1}.png` })
  }
  report(name, problem)
}
for (const [name, list] of /** @type {const} */ ([
  ['the content security policy refused nothing', violations],
  ['no accessibility finding (WCAG 2.2 A and AA)', findings],
])) {
  try {
    assert.deepEqual([...new Set(list)], [])
    report(name, undefined)
  } catch {
    report(name, new Error([...new Set(list)].join('\n')))
  }
}
await browser.close()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
