// @ts-check
/** Saving a draft: what several windows keep, and what is said when it does not work. The server is played by the steps. */
import { strict as assert } from 'node:assert'
import { checkAccessibility } from './browser.mjs'

/** @typedef {import('./browser.mjs').Page} Page */

/** What the server answers to a save: nothing, as when it cannot be reached, or a status with a body. */
/** @typedef {{ status: number, body: object } | 'nothing'} Answer */

/** A server for all windows of a context, whose answers can be changed; which windows have said that they edit. */
async function play(/** @type {Page} */ page) {
  const server = { answer: /** @type {Answer} */ ('nothing'), windows: new Set() }
  const context = page.context()
  await context.route('**/editing', (route) => {
    server.windows.add(route.request().postDataJSON().tab)
    return route.fulfill({ json: { is_yours: true, is_you: true, name: 'Ada', since: '2026-01-01T00:00:00Z' } })
  })
  await context.route('**/draft', (route) => (server.answer === 'nothing' ? route.abort() : route.fulfill({ status: server.answer.status, json: server.answer.body })))
  return server
}

async function opened(/** @type {Page} */ page, /** @type {string} */ url) {
  const window = await page.context().newPage()
  // Nobody is asked whether to leave unsaved changes.
  window.on('dialog', (dialog) => void dialog.accept())
  await window.goto(`${url}/?builder&saved`)
  await window.getByRole('region', { name: 'Canvas' }).waitFor()
  return window
}

/** @typedef {{ store: { edit: (recipe: (draft: { title: string }) => void) => void, getState: () => { document: { title: string }, saved: { title: string } } } }} WithStore */

const write = (/** @type {Page} */ page, /** @type {string} */ title) =>
  page.evaluate((text) => /** @type {WithStore} */ (/** @type {unknown} */ (globalThis)).store.edit((draft) => void (draft.title = text)), title)
const titles = (/** @type {Page} */ page) =>
  page.evaluate(() => {
    const { document, saved } = /** @type {WithStore} */ (/** @type {unknown} */ (globalThis)).store.getState()
    return [document.title, saved.title]
  })

/** @type {{ name: string, kind: string, run: (page: Page, url: string) => Promise<void> }[]} */
export const savingSteps = [
  {
    name: 'a draft saves itself once the server can be reached again, and says what keeps it from that',
    kind: 'button',
    run: async (page, url) => {
      const server = await play(page)
      const window = await opened(page, url)
      await write(window, 'Written offline')
      await window.getByText('The server cannot be reached').waitFor()
      server.answer = { status: 200, body: {} }
      await window.getByText('The server cannot be reached').waitFor({ state: 'detached', timeout: 15_000 })
      assert.deepEqual(await titles(window), ['Written offline', 'Written offline'])
      server.answer = { status: 422, body: { code: 'document-invalid', detail: 'pages.home: something is not whole' } }
      await write(window, 'Not whole')
      await window.getByText('not saved until this is put right: pages.home: something is not whole').waitFor({ timeout: 15_000 })
      await checkAccessibility(window, 'builder with changes that cannot be saved')
      server.answer = { status: 200, body: {} }
      await write(window, 'Whole')
      await window.getByText('not saved until').waitFor({ state: 'detached' })
      assert.deepEqual(await titles(window), ['Whole', 'Whole'])
      await window.close()
      await page.context().unrouteAll()
    },
  },
  {
    name: 'each window keeps its own unsaved changes, and a copy of a window is another one',
    kind: 'button',
    run: async (page, url) => {
      const server = await play(page)
      const first = await opened(page, url)
      await write(first, 'Of the first')
      await first.waitForFunction(() => Object.keys(localStorage).some((key) => key.startsWith('bulkhead draft 1 gallery ')))
      const [copied] = await Promise.all([first.waitForEvent('popup'), first.evaluate(() => void open(location.href))])
      copied.on('dialog', (dialog) => void dialog.accept())
      await copied.getByText('Another window of this browser has changes from').waitFor()
      assert.equal(server.windows.size, 2)
      await checkAccessibility(copied, 'builder that is offered what another window has')
      // The copy goes its own way, and takes nothing from the first.
      await copied.route('**/draft', (route) => route.fulfill({ json: {} }))
      await write(copied, 'Of the copy')
      await copied.waitForFunction(() => /** @type {WithStore} */ (/** @type {unknown} */ (globalThis)).store.getState().saved.title === 'Of the copy')
      await copied.unroute('**/draft')
      await first.reload()
      await first.getByText('that were not saved are here again').waitFor()
      assert.deepEqual([(await titles(first))[0], server.windows.size], ['Of the first', 2])
      await first.close()
      await copied.getByRole('button', { name: 'Use them' }).click()
      assert.equal((await titles(copied))[0], 'Of the first')
      await copied.getByText('Another window of this browser').waitFor({ state: 'detached' })
      const kept = await copied.evaluate(() => Object.entries(localStorage).filter(([key]) => key.startsWith('bulkhead draft ')))
      assert.deepEqual(kept.map(([, text]) => JSON.parse(text).document.title), ['Of the first'])
      await copied.evaluate(() => localStorage.clear())
      await copied.close()
      await page.context().unrouteAll()
    },
  },
]
