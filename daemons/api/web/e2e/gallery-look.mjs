// @ts-check
/** How a screen is looked at, and the answers that it has to stand. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, picture } from './browser.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

/** Answers by path as `answer` takes them. @param {import('./gallery-answers.mjs').Answers} answers */
export const answersFor = (answers) => Object.fromEntries(Object.entries(answers).map(([place, content]) => [`GET ${place.replace('/api/v1', '')}`, content]))

export const refusal = { status: 403, code: 'forbidden', detail: 'You may not see this. Ask an administrator.' }
export const failure = { status: 500, code: 'internal', detail: 'Something went wrong on the server.' }
/** What says that more is to come. */
export const waiting = new Promise(() => {})

/** Reads it in both themes, and sees that it is no wider than a screen. @param {Page} page @param {string} where */
export async function look(page, where) {
  await page.waitForTimeout(150)
  await checkAccessibility(page, where)
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.waitForTimeout(200)
  await checkAccessibility(page, `${where}, dark`)
  await page.emulateMedia({ colorScheme: 'light' })
  for (const width of [360, 1024, 1440]) {
    await page.setViewportSize({ width, height: 900 })
    const wide = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('.page')].some((element) => element.scrollWidth > element.clientWidth + 1))
    assert.ok(!wide, `${where} is wider than ${width} pixels`)
  }
  await picture(page, where.replaceAll(/[^a-z0-9-]+/gi, '-'))
}
