// @ts-check
/**
 * The example of every kind of component, without a server behind it: by the content security policy that the api sends, with axe
 * in both themes and at phone width. `npm run gallery [KIND…]`, where `speed`, `requests`, `builder`, `screens`, `pages`, `hosted`, `sharing` and `texts` are kinds of checks; pictures to look at
 * where BULKHEAD_PICTURES names a folder.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from 'vite'
import { builderSteps } from './gallery-builder.mjs'
import { germanSteps } from './gallery-german.mjs'
import { hostedSteps } from './gallery-hosted.mjs'
import { kindSteps } from './gallery-kinds.mjs'
import { logicSteps } from './gallery-logic.mjs'
import { pageSteps } from './gallery-pages.mjs'
import { requestSteps } from './gallery-requests.mjs'
import { savingSteps } from './gallery-saving.mjs'
import { screenSteps } from './gallery-screens.mjs'
import { sharingSteps } from './gallery-sharing.mjs'
import { speedSteps } from './gallery-speed.mjs'
import { tableSteps } from './gallery-table.mjs'
import { tablesSteps } from './gallery-tables.mjs'
import { textSteps } from './gallery-texts.mjs'
import { checkAccessibility, checkHighContrast, findings, launch, violations } from './browser.mjs'

const here = import.meta.dirname
/** Not in the sources, which the linters read. */
const dist = mkdtempSync(path.join(tmpdir(), 'gallery-'))
const nonce = 'Z2FsbGVyeQ'
const types = /** @type {Record<string, string>} */ ({ '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2', '.svg': 'image/svg+xml', '.html': 'text/html', '.json': 'application/json' })

/** The policies as the api has them, so that the two cannot drift apart. */
function policies() {
  const source = readFileSync(path.resolve(here, '../../src/web.rs'), 'utf8')
  const text = (/** @type {RegExp} */ pattern) => pattern.exec(source)?.[1]?.replace(/\\\n\s*/g, '').replaceAll('{nonce}', nonce).replace(/\{[a-z_]+\}/g, '')
  const constant = (/** @type {string} */ name) => text(new RegExp(`const ${name}: &str = "([^"]*)"`))
  const found = { '/': text(/let policy = format!\(\s*"([^"]*)"/), '/evaluator': constant('EVALUATOR_POLICY'), '/custom-component': constant('CUSTOM_COMPONENT_POLICY') }
  for (const [place, policy] of Object.entries(found)) if (!policy) throw new Error(`web.rs has no policy for ${place}`)
  return /** @type {Record<string, string>} */ (found)
}

/** Serves the built gallery as the api serves the UI. */
export async function serveGallery() {
  await build({ configFile: path.join(here, 'gallery/vite.config.ts'), logLevel: 'error', build: { outDir: dist, emptyOutDir: true } })
  const policy = policies()
  const documents = /** @type {Record<string, string>} */ ({ '/': 'e2e/gallery/index.html', '/evaluator': 'evaluator.html', '/custom-component': 'custom-component.html' })
  const server = createServer((request, response) => {
    const { pathname: place, search } = new URL(request.url ?? '/', 'http://gallery')
    // Every other address without an ending is one of the UI's; so is the first one, where nothing is asked of the gallery.
    const file = (place === '/' && !search ? undefined : documents[place]) ?? (path.extname(place) ? path.normalize(place).replace(/^\/+/, '') : 'index.html')
    try {
      const content = readFileSync(path.join(dist, file))
      response.setHeader('content-type', types[path.extname(file)] ?? 'application/octet-stream')
      response.setHeader('cross-origin-resource-policy', 'cross-origin')
      const isDocument = file.endsWith('.html')
      if (isDocument) response.setHeader('content-security-policy', policy[place] ?? policy['/'] ?? '')
      response.end(isDocument ? content.toString().replaceAll('__CSP_NONCE__', nonce).replaceAll('__FRAME_ORIGINS__', '') : content)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port is free')
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.close()
      rmSync(dist, { recursive: true })
    },
  }
}

async function main() {
  const docs = path.resolve(here, '../../../../docs/components')
  const asked = process.argv.slice(2)
  const kinds = readdirSync(docs).map((file) => file.replace('.md', '')).filter((kind) => kind !== 'README' && (asked.length === 0 || asked.includes(kind)))
  const gallery = await serveGallery()
  const { browser, page } = await launch()
  const errors = /** @type {string[]} */ ([])
  let at = ''
  /** What steps have said that the browser may say. */
  const expected = /** @type {RegExp[]} */ ([])
  const isExpected = (/** @type {string} */ text) => expected.some((pattern) => pattern.test(text))
  page.on('pageerror', (error) => errors.push(`${at}: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && !isExpected(message.text())) errors.push(`${at}: ${message.text()}`)
  })
  for (const kind of kinds) {
    at = kind
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme })
      for (const width of [1200, 360]) {
        await page.setViewportSize({ width, height: 900 })
        if (colorScheme === 'light' && width === 1200) {
          await page.goto(`${gallery.url}/?kind=${kind}`)
          await page.locator('.app-page').first().waitFor()
          await page.waitForFunction(() => !document.querySelector('.app-page .skeleton'))
        }
        await page.waitForTimeout(200)
        await checkAccessibility(page, `${kind}, ${colorScheme}, ${width}`)
        const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)
        if (isWide) errors.push(`${kind}: wider than ${width} pixels`)
        if (process.env.BULKHEAD_PICTURES) await page.screenshot({ path: `${process.env.BULKHEAD_PICTURES}/${kind}.${colorScheme}.${width}.png` })
      }
    }
    await page.setViewportSize({ width: 1200, height: 900 })
    await checkHighContrast(page, kind)
    if ((await page.locator('.app-fault, .app-unknown:not([role=status])').count()) > 0) errors.push(`${kind}: ${await page.locator('.app-fault, .app-unknown:not([role=status])').first().textContent()}`)
  }
  const steps = [
    ...tableSteps.map(({ name, run }) => ({ kind: 'table', name, expects: undefined, run: () => run(page, gallery.url) })),
    ...[...logicSteps, ...savingSteps, ...requestSteps, ...germanSteps, ...textSteps, ...speedSteps].map(({ kind, name, run }) => ({ kind, name, expects: undefined, run: () => run(page, gallery.url) })),
    ...[...builderSteps, ...screenSteps, ...pageSteps, ...hostedSteps, ...tablesSteps, ...sharingSteps].map(({ kind, name, expects, run }) => ({ kind, name, expects, run: () => run(page, gallery.url) })),
    ...kindSteps.map(({ kind, name, expects, run }) => ({
      kind,
      name,
      expects,
      run: async () => {
        await page.setViewportSize({ width: 1200, height: 900 })
        await page.goto(`${gallery.url}/?kind=${kind}`)
        await page.locator('.app-page').first().waitFor()
        await run(page)
      },
    })),
  ].filter(({ kind }) => asked.length === 0 || asked.includes(kind))
  let passed = 0
  for (const { name, expects, run } of steps) {
    at = name
    if (expects) expected.push(expects)
    try {
      await run()
      passed += 1
      console.log(`ok      ${name}`)
    } catch (error) {
      errors.push(`${name}: ${error instanceof Error ? error.message : error}`)
    }
  }
  await browser.close()
  gallery.close()
  const problems = [...new Set([...errors, ...findings, ...violations.filter((text) => !isExpected(text))])]
  for (const problem of problems) console.log(`FAILED  ${problem}`)
  console.log(`${kinds.length + passed} passed, ${problems.length} failed`)
  process.exitCode = problems.length > 0 || kinds.length + passed === 0 ? 1 : 0
}

if (process.argv[1] === import.meta.filename) await main()
