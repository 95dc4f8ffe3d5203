// @ts-check
/** Screens in English and in German: a sentence that reads the same in both was not translated. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, picture } from './browser.mjs'
import { everything } from './gallery-answers.mjs'
import { answer } from './gallery-api.mjs'
import { builderAnswers } from './gallery-builder.mjs'
import { answersFor } from './gallery-look.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

/** What is the same in both languages, beside names, numbers, addresses and code. */
const same = new Set('Alert Apps Audit Avatar Browser Bulkhead Code-Editor Container Deutsch English JSON JSON-Editor Kanban Link Markdown Name Navigation PDF Revision Scanner Status Tags Text Token Tokens Transformer URL Version Workflow Workflows'.split(' '))

/** Of each screen: its address, what shows that it is there, and the parts that are translated. */
const screens = /** @type {const} */ ([
  ['/', '.home-grid li', ['body']],
  ['/apps', '.list td', ['body']],
  ['/account', '.list td', ['body']],
  ['/apps/orders/edit', '.drawer-list .side-item', ['.top-bar', '.side', '.canvas-tools', '.drawer-list', '.drawer-empty']],
])

/** All that is read or heard in parts of the page. @param {Page} page @param {readonly string[]} parts */
const sentences = (page, parts) =>
  page.evaluate((selectors) => {
    const found = new Set()
    for (const part of document.querySelectorAll(selectors.join())) {
      for (const element of [part, ...part.querySelectorAll('*')]) {
        for (const name of ['aria-label', 'title', 'placeholder']) found.add(element.getAttribute(name)?.trim() ?? '')
        if (element.matches('code, kbd, .mono, time, script, noscript, style')) continue
        for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) found.add(node.textContent?.trim() ?? '')
      }
    }
    return [...found].filter((text) => /\p{L}{3}/u.test(text))
  }, parts)

/** What the answers say, which is nobody's to translate. */
const data = JSON.stringify([everything, builderAnswers])

/** @type {{ name: string, kind: string, run: (page: Page, url: string) => Promise<void> }[]} */
export const germanSteps = [
  {
    kind: 'screens',
    name: "in German nothing of the studio's first screens and of the builder's frame is left in English",
    run: async (page, url) => {
      await page.setViewportSize({ width: 1440, height: 900 })
      await answer(page, { ...answersFor(everything), ...builderAnswers })
      /** @type {Record<string, string[]>} */
      const english = {}
      for (const language of ['en', 'de']) {
        await page.goto(`${url}/login`)
        await page.evaluate((code) => localStorage.setItem('bulkhead.language', code), language)
        for (const [address, shows, parts] of screens) {
          await page.goto(url + address)
          await page.locator(shows).first().waitFor()
          await page.waitForTimeout(500)
          const said = await sentences(page, parts)
          if (language === 'en') english[address] = said
          else assert.deepEqual(said.filter((text) => english[address]?.includes(text) && !same.has(text.replace(/\d+/g, '').trim()) && !data.includes(text)), [], `${address} is in English still`)
        }
      }
      await checkAccessibility(page, 'builder in German')
      await picture(page, 'builder-german')
      await page.evaluate(() => localStorage.clear())
    },
  },
]
