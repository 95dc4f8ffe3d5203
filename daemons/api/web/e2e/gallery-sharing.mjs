// @ts-check
/** Sharing and moving a thing, by the keyboard, at every width. */
import { strict as assert } from 'node:assert'
import { checkHighContrast } from './browser.mjs'
import { everything } from './gallery-answers.mjs'
import { answer } from './gallery-api.mjs'
import { answersFor, look } from './gallery-look.mjs'

/** Of an app that one person owns, who may not be taken away, and that takes more from its folder. @type {import('../src/api/types').GrantList} */
const shared = {
  grants: [
    { user: '01890000-0000-7000-8000-000000000001', name: 'Ada Novak', email: 'ada@example.org', role: 'admin', disabled: false },
    { user: '01890000-0000-7000-8000-000000000002', name: 'Ben Okafor', email: 'ben.okafor.of.the.northern.depots@example.org', role: 'viewer', disabled: false },
    { user: '01890000-0000-7000-8000-000000000003', name: 'Cleo Dubois', email: 'cleo@example.org', role: 'editor', disabled: true },
  ],
  groups: [{ group: 'support', description: 'Answers the telephone', members: 12, role: 'viewer' }],
  inherited: [
    { folder: 'Sales', person: { user: '01890000-0000-7000-8000-000000000004', name: 'Dag Solberg', email: 'dag@example.org', role: 'editor', disabled: false } },
    { folder: 'Sales', group: { group: 'finance', description: 'Who pays', members: 2, role: 'viewer' } },
  ],
  holders: [
    { user: '01890000-0000-7000-8000-000000000001', name: 'Ada Novak', email: 'ada@example.org', role: 'admin', is_admin: true, by: [{}] },
    { user: '01890000-0000-7000-8000-000000000002', name: 'Ben Okafor', email: 'ben.okafor.of.the.northern.depots@example.org', role: 'viewer', is_admin: false, by: [{}, { group: 'finance', folder: 'Sales' }] },
    { user: '01890000-0000-7000-8000-000000000004', name: 'Dag Solberg', email: 'dag@example.org', role: 'editor', is_admin: false, by: [{ folder: 'Sales' }] },
  ],
  holder_count: 4,
  is_for_everybody: false,
}
/** @type {import('../src/api/types').PeopleFound} */
const found = {
  people: [{ id: '01890000-0000-7000-8000-000000000005', name: 'Finn Mäkelä', email: 'finn@example.org' }],
  groups: [{ name: 'finance', description: 'Who pays', members: 2 }],
}

/** @type {{ name: string, kind: string, expects?: RegExp, run: (page: import('./browser.mjs').Page, url: string) => Promise<void> }[]} */
export const sharingSteps = [
  {
    kind: 'sharing',
    name: 'a thing is shared with people and groups by the keyboard, moved, and its last owner stays',
    run: async (page, url) => {
      const asked = /** @type {unknown[]} */ ([])
      const note = (/** @type {unknown} */ body) => (asked.push(body), {})
      const person = `/apps/orders/grants/${found.people[0]?.id}`
      await answer(page, { ...answersFor(everything), 'GET /apps/orders/grants': shared, 'GET /people': found, [`PUT ${person}`]: note, 'PUT /apps/orders/grants/groups/finance': note, 'PUT /apps/orders/folder': note })
      await page.goto(`${url}/apps`)
      await page.getByRole('row', { name: /Orders/ }).getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Share' }).click()
      const dialog = page.getByRole('dialog', { name: 'Share Orders' })
      await dialog.getByRole('list', { name: 'People and groups with a role' }).waitFor()
      assert.ok(await dialog.getByLabel('Role of Ada Novak').isDisabled(), 'the last owner stays')
      assert.ok(await dialog.getByLabel('Role of support').isEnabled())
      await look(page, 'screen-share')
      await dialog.getByText('Who can use it now (4)').click()
      await dialog.getByText('by the group finance, from Sales').waitFor()
      await look(page, 'screen-share-holders')
      await checkHighContrast(page, 'screen-share-holders')
      await dialog.getByText('Who can use it now (4)').click()
      // All by the keyboard: the words, the role, the first who was found.
      await dialog.getByLabel('Add people and groups').focus()
      await page.keyboard.type('fin')
      await dialog.getByText('2 found').waitFor()
      await look(page, 'screen-share-search')
      await dialog.getByLabel('Add people and groups').focus()
      await page.keyboard.press('Tab')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await dialog.getByText('2 found').waitFor({ state: 'detached' })
      assert.deepEqual(asked, [{ role: 'editor' }])
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      await page.getByRole('row', { name: /Orders/ }).getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Move' }).click()
      const move = page.getByRole('dialog', { name: 'Move Orders' })
      assert.ok(await move.getByRole('button', { name: 'Move', exact: true }).isDisabled(), 'it is there already')
      await look(page, 'screen-move')
      await move.getByLabel('Folder', { exact: true }).selectOption('Sales/Empty')
      await move.getByRole('button', { name: 'Move', exact: true }).click()
      await move.waitFor({ state: 'detached' })
      assert.deepEqual(asked[1], { folder: everything['/api/v1/folders']?.folders[3]?.id })
    },
  },
]
