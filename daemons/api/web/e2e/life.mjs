// @ts-check
/** The life of an app: found again, released with a word, compared, rolled back; two windows; a lost connection. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, picture } from './browser.mjs'

const slug = `life-${Date.now()}`

/** @type {import('./entry.mjs').Step[]} */
export const lifeSteps = [
  {
    name: 'an app has a folder, tags and a star, and is found by each',
    run: async (page, url) => {
      await page.goto(`${url}/apps`)
      await page.getByRole('button', { name: 'New app' }).first().click()
      await page.getByLabel('Title').fill('Long life')
      await page.getByLabel('Address').fill(slug)
      await page.getByRole('button', { name: 'Create app' }).click()
      await page.getByRole('region', { name: 'Canvas' }).waitFor()
      await page.goto(`${url}/apps?q=${slug}`)
      await page.getByRole('button', { name: 'Favourite Long life' }).click()
      await page.locator('[aria-label="Favourite Long life"][aria-pressed=true]').waitFor()
      await page.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Move' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('New folder in it').fill(slug)
      await picture(page, 'app-move')
      await dialog.getByRole('button', { name: 'Move', exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Tags' }).click()
      await dialog.getByLabel('Tags').fill('e2e, daily')
      await picture(page, 'app-tags')
      await dialog.getByRole('button', { name: 'Save' }).click()
      await dialog.waitFor({ state: 'detached' })
      await page.goto(`${url}/apps`)
      await page.getByRole('combobox', { name: 'Folder' }).selectOption(slug)
      assert.equal(await page.getByRole('row').count(), 2)
      await page.getByRole('combobox', { name: 'Tag' }).selectOption('daily')
      await page.getByRole('button', { name: 'Favourites' }).click()
      await page.getByRole('link', { name: 'Long life' }).waitFor()
      assert.match(page.url(), /mine=true/)
      await checkAccessibility(page, 'apps')
      await picture(page, 'apps')
    },
  },
  {
    name: 'what is changed is saved by itself, and released with a word on it',
    run: async (page, url) => {
      await page.goto(`${url}/apps/${slug}/edit`)
      await page.getByRole('button', { name: 'Text', exact: true }).click()
      await page.getByLabel('Value', { exact: true }).fill('First words')
      await page.getByText('Saved', { exact: true }).waitFor()
      await release(page, 'The first words')
      await page.getByLabel('Value', { exact: true }).fill('Second words')
      await page.getByRole('button', { name: 'Button', exact: true }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
      await page.getByRole('button', { name: 'Release', exact: true }).click()
      await page.getByRole('region', { name: 'Changes since version 1' }).getByText('added').waitFor()
      await checkAccessibility(page, 'release')
      await picture(page, 'release')
      await page.keyboard.press('Escape')
      await release(page, 'Second words, and a button')
    },
  },
  {
    name: 'versions are compared as pages and as text, and rolled back',
    run: async (page, url) => {
      await page.getByRole('button', { name: 'Releases' }).click()
      await page.getByText('Second words, and a button').waitFor()
      await picture(page, 'history')
      await page.getByRole('listitem').filter({ hasText: 'Version 1' }).getByRole('button', { name: 'Compare' }).click()
      await page.getByRole('img', { name: /after: .*button added/ }).waitFor()
      await checkAccessibility(page, 'comparison')
      await picture(page, 'comparison-pages')
      await page.getByRole('button', { name: 'As text' }).click()
      await page.getByRole('region', { name: 'Text of both versions' }).getByText('"value": "Second words"').waitFor()
      await picture(page, 'comparison-text')
      await page.getByRole('button', { name: 'Back to all releases' }).click()
      await page.getByRole('listitem').filter({ hasText: 'Version 1' }).getByRole('button', { name: 'Put in use' }).click()
      await page.getByRole('listitem').filter({ hasText: 'Version 1' }).getByText('In use').waitFor()
      await page.goto(`${url}/apps/${slug}`)
      await page.getByText('First words').waitFor()
    },
  },
  {
    name: 'a second window is told who edits, and takes over',
    run: async (page, url) => {
      await page.goto(`${url}/apps/${slug}/edit`)
      await page.getByRole('region', { name: 'Canvas' }).waitFor()
      const second = await page.context().newPage()
      await second.goto(`${url}/apps/${slug}/edit`)
      await second.getByText('You edit this app in another window').waitFor()
      assert.ok(await second.getByRole('button', { name: 'Release', exact: true }).isDisabled())
      await checkAccessibility(second, 'builder that somebody else has')
      await second.getByRole('button', { name: 'Take over' }).click()
      await second.getByRole('button', { name: 'Take over' }).waitFor({ state: 'detached' })
      await second.getByLabel('Title of the app').fill('Longer life')
      await second.getByText('Saved', { exact: true }).waitFor()
      // Whoever leaves gives the app free at once.
      await second.goto('about:blank')
      await second.close()
      // The first window finds out, and loses nothing.
      await page.getByLabel('Title of the app').fill('My own title')
      await page.keyboard.press('Control+s')
      await page.getByText('Somebody else has saved this app since').or(page.getByText('has taken over')).first().waitFor()
      await page.reload()
      await page.getByText('never saved, and somebody has saved the app since').waitFor()
      await picture(page, 'builder-conflict')
      await page.getByRole('button', { name: 'Use mine' }).click()
      assert.equal(await page.getByLabel('Title of the app').inputValue(), 'My own title')
      await page.getByText('Saved', { exact: true }).waitFor()
    },
  },
  {
    name: 'changes made without a connection are there after a reload',
    run: async (page) => {
      await page.route('**/draft', (route) => route.abort())
      await page.getByLabel('Title of the app').fill('Written offline')
      await page.getByText('Not saved', { exact: true }).waitFor()
      await page.unroute('**/draft')
      await page.reload()
      await page.getByText('that were not saved are here again').waitFor()
      assert.equal(await page.getByLabel('Title of the app').inputValue(), 'Written offline')
      await page.getByRole('button', { name: 'Keep them' }).click()
      await page.getByText('Saved', { exact: true }).waitFor()
    },
  },
  {
    name: 'usage counts opens and query runs',
    run: async (page, url) => {
      await page.goto(`${url}/apps?q=${slug}`)
      // Lines are written every ten seconds.
      const counted = page.getByText(/[1-9]\d* opens? and \d+ query runs? in/)
      for (let tries = 0; !(await counted.isVisible()); tries += 1) {
        assert.ok(tries < 10, 'the app was opened, and no open is counted')
        if (tries > 0) await page.keyboard.press('Escape')
        await page.getByRole('button', { name: 'More' }).click()
        await page.getByRole('menuitem', { name: 'Usage' }).click()
        await counted.waitFor({ timeout: 2_000 }).catch(() => undefined)
      }
      await checkAccessibility(page, 'usage')
      await picture(page, 'usage')
      await page.keyboard.press('Escape')
    },
  },
]

async function release(/** @type {import('playwright-core').Page} */ page, /** @type {string} */ notes) {
  await page.getByRole('button', { name: 'Release', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Release' })
  await dialog.getByLabel('What it changes').fill(notes)
  await dialog.getByRole('button', { name: 'Release to everybody' }).click()
  await dialog.waitFor({ state: 'detached' })
}
