// @ts-check
/** A real browser that counts what must not happen: refusals of the content security policy, and accessibility findings. */
import { AxeBuilder } from '@axe-core/playwright'
import { chromium } from 'playwright-core'

/** @typedef {import('playwright-core').Page} Page */

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** What was refused or reported so far, over all pages. */
export const violations = /** @type {string[]} */ ([])
export const findings = /** @type {string[]} */ ([])

export async function launch() {
  const browser = await chromium.launch({ executablePath: process.env.BULKHEAD_CHROMIUM ?? '/usr/bin/chromium', headless: true, args: flags })
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] })
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`CSP: ${event.effectiveDirective} refused ${event.blockedURI} on ${location.pathname} ${event.sourceFile ?? ''}:${event.lineNumber}`)
    })
  })
  context.on('console', (message) => {
    const text = message.text()
    if (text.startsWith('CSP:') || /Content Security Policy|Trusted ?Type/i.test(text)) violations.push(text)
  })
  context.setDefaultTimeout(15_000)
  return { browser, context, page: await context.newPage() }
}

/** Looks for WCAG 2.2 A and AA findings on the page as it is now. */
export async function checkAccessibility(/** @type {Page} */ page, /** @type {string} */ where) {
  await page.evaluate(settle)
  const { violations: found } = await new AxeBuilder({ page }).setLegacyMode(true).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze()
  for (const finding of found) findings.push(`${where}: ${finding.id} (${finding.help}) at ${finding.nodes.map((node) => node.target.join(' ')).join(', ')}`)
}

/** Waits until what fades in is there: half seen, its text stands out less. What moves without an end is not waited for. Runs in the page. */
async function settle() {
  const passing = document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity)
  await Promise.all(passing.map((animation) => animation.finished.catch(() => {})))
}

/** Looks for text that does not stand out 7:1, as it must where more contrast is asked for. Of what is disabled or empty nothing is asked. */
export async function checkHighContrast(/** @type {Page} */ page, /** @type {string} */ where) {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme, contrast: 'more' })
    await page.waitForTimeout(200)
    const { violations: found } = await new AxeBuilder({ page }).setLegacyMode(true).withRules(['color-contrast-enhanced']).analyze()
    for (const { nodes } of found) for (const node of nodes) findings.push(`${where}, ${colorScheme}, high contrast: ${node.target.join(' ')} ${node.any[0]?.message ?? ''}`)
    if (process.env.BULKHEAD_PICTURES) await page.screenshot({ path: `${process.env.BULKHEAD_PICTURES}/${where.replaceAll(/[^a-z0-9]+/gi, '-')}.contrast.${colorScheme}.png` })
  }
  await page.emulateMedia({ colorScheme: 'light', contrast: 'no-preference' })
}

/** How many times longer than the processor works at it a loop takes: 1 where nothing else runs. @param {Page} page */
export async function crowding(page) {
  const client = await page.context().newCDPSession(page)
  await client.send('Performance.enable')
  const worked = async () => (await client.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'ThreadTime')?.value ?? 0
  const before = await worked()
  const ms = await page.evaluate(() => {
    const begun = performance.now()
    for (let at = 0, sum = 0; at < 1e8; at += 1) sum += at % 7
    return performance.now() - begun
  })
  const workedMs = (await worked() - before) * 1000
  await client.detach()
  if (!(workedMs > 0)) throw new Error('the browser does not tell how long it worked')
  return Math.max(1, ms / workedMs)
}

/** Pictures for a person to judge: both themes, on a large screen, a small one and a phone. Only when BULKHEAD_PICTURES names a folder. */
export async function picture(/** @type {Page} */ page, /** @type {string} */ name) {
  const folder = process.env.BULKHEAD_PICTURES
  if (!folder) return
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    await page.emulateMedia({ colorScheme })
    for (const [size, width, height] of /** @type {const} */ ([['desktop', 1440, 900], ['laptop', 1024, 768], ['phone', 390, 844]])) {
      await page.setViewportSize({ width, height })
      await page.waitForTimeout(250)
      await page.screenshot({ path: `${folder}/${name}.${colorScheme}.${size}.png` })
    }
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1440, height: 900 })
}
