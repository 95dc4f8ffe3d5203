// @ts-check
/** The tables of the built-in database: lists, a sheet of 100,000 rows by keyboard, changes as SQL, a file with rows that do not fit. */
import { strict as assert } from 'node:assert'
import { checkAccessibility, checkHighContrast, picture } from './browser.mjs'
import { everything } from './gallery-answers.mjs'
import { answer } from './gallery-api.mjs'

/** @typedef {import('./browser.mjs').Page} Page */
/** @typedef {import('../src/api/types').TableDefinition} TableDefinition */
/** @typedef {import('../src/api/types').EditOutcome} EditOutcome */

const column = (/** @type {string} */ name, /** @type {string} */ type, rest = {}) => ({ name, type, is_required: false, is_computed: false, is_numbered: false, default: null, ...rest })
/** @type {TableDefinition} */
const orders = {
  schema: 'public',
  name: 'orders',
  is_view: false,
  rows: 100_000,
  key: ['id'],
  columns: [
    column('id', 'bigint', { is_required: true, is_numbered: true }),
    column('customer', 'text', { is_required: true }),
    column('amount', 'numeric(8,2)'),
    column('paid', 'boolean', { default: 'false' }),
    column('due', 'date'),
    column('note', 'text'),
  ],
  uniques: [{ name: 'orders_customer_key', columns: ['customer'] }],
  foreign_keys: [{ name: 'orders_customer_fkey', columns: ['customer'], schema: 'public', table: 'customers', to_columns: ['name'] }],
}
/** @type {TableDefinition[]} */
const tables = [orders, { ...orders, name: 'customers', rows: null, foreign_keys: [] }, { ...orders, schema: 'shop', name: 'open_orders', is_view: true, key: [], uniques: [], foreign_keys: [] }]
const rowOf = (/** @type {number} */ id) => [String(id), `Customer ${id}`, (id * 1.1).toFixed(2), id % 2 ? 'true' : 'false', '2026-11-30', id % 3 === 0 ? '' : id % 3 === 1 ? null : 'A note that is a little longer than its cell']
const base = '/resources/tables/tables'

/** @param {Record<string, unknown>} [more] */
const answers = (more = {}) => ({
  ...Object.fromEntries(Object.entries(everything).map(([place, content]) => [`GET ${place.replace('/api/v1', '')}`, content])),
  [`GET ${base}`]: { tables },
  [`POST ${base}/rows`]: (/** @type {any} */ body) => ({ table: orders, cut: [], total: body.count ? 100_000 : null, rows: Array.from({ length: Math.max(0, Math.min(body.limit, 100_000 - body.offset)) }, (_, at) => rowOf(body.offset + at + 1)) }),
  ...more,
})

/** @param {Page} page @param {string} where */
async function look(page, where) {
  await page.waitForTimeout(150)
  await checkAccessibility(page, where)
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 900 })
    const wide = await page.evaluate(() => [document.documentElement, ...document.querySelectorAll('.page')].some((element) => element.scrollWidth > element.clientWidth + 1))
    assert.ok(!wide, `${where} is wider than ${width} pixels`)
  }
  await picture(page, where)
}

/** @param {Page} page @param {string} url */
async function openOrders(page, url) {
  await page.goto(`${url}/tables/orders`)
  const grid = page.getByRole('grid', { name: 'Rows of orders' })
  await grid.getByText('Customer 1', { exact: true }).waitFor()
  return grid
}

/** @type {{ name: string, kind: string, expects?: RegExp, run: (page: Page, url: string) => Promise<void> }[]} */
export const tablesSteps = [
  {
    kind: 'tables',
    name: 'the list of tables: much, nothing, a failure, no permission',
    expects: /status of (403|500)/,
    run: async (page, url) => {
      const open = async (/** @type {Record<string, unknown>} */ more) => {
        await answer(page, answers(more))
        await page.goto(`${url}/tables`)
        await page.getByRole('heading', { name: 'Tables', exact: true, level: 1 }).waitFor()
      }
      await open({})
      await page.getByRole('link', { name: 'shop.open_orders' }).waitFor()
      await look(page, 'tables-list')
      await checkHighContrast(page, 'tables-list')
      await open({ [`GET ${base}`]: { tables: [] } })
      await page.getByRole('heading', { name: 'Keep data without a database of your own' }).waitFor()
      await look(page, 'tables-nothing')
      await open({ [`GET ${base}`]: { status: 500, code: 'internal', detail: 'Something went wrong on the server.' } })
      await page.getByRole('button', { name: 'Try again' }).waitFor()
      await open({ [`GET ${base}`]: { status: 403, code: 'resource-role-too-low', detail: 'this needs the role viewer on resource `tables`' } })
      await page.getByRole('heading', { name: 'You have no access here' }).waitFor()
      await checkAccessibility(page, 'tables-no-permission')
    },
  },
  {
    kind: 'tables',
    name: 'a sheet of 100,000 rows is edited by keyboard, pasted into, undone and saved with what was read',
    run: async (page, url) => {
      /** @type {any[]} */
      const saved = []
      /** @type {EditOutcome[]} */
      const outcomes = [
        { saved: false, faults: [{ edit: 0, column: 'customer', why: 'changed', current: 'Theirs', message: 'somebody has changed customer since you loaded it.' }] },
        { saved: true, faults: [] },
      ]
      const { asked } = await answer(page, answers({ [`POST ${base}/edits`]: (/** @type {any} */ body) => { saved.push(body); return outcomes[saved.length - 1] } }))
      const grid = await openOrders(page, url)
      await page.getByText('100,000 rows').waitFor()
      await look(page, 'tables-sheet')
      await checkHighContrast(page, 'tables-sheet')
      await grid.focus()
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Enter')
      await page.getByLabel('customer of row 1').fill('Mine')
      await page.keyboard.press('Tab')
      await page.keyboard.type('7.50')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Control+z')
      await page.keyboard.press('Control+y')
      // A cell that was typed into and left by Escape is as it was.
      await page.keyboard.type('x')
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Save 2' }).waitFor()
      // A range comes from a spreadsheet, and a deleted cell is null.
      await page.evaluate(() => navigator.clipboard.writeText('A\t1.00\nB\t2.00'))
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Control+v')
      await page.getByRole('button', { name: 'Save 6' }).waitFor()
      await page.keyboard.press('Control+c')
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'A\t1.00\nB\t2.00')
      await page.keyboard.press('Control+z')
      await look(page, 'tables-sheet-edited')
      await page.getByRole('button', { name: 'Save 2' }).click()
      await page.getByText('Nothing was saved. Settle these, then save again.').waitFor()
      await look(page, 'tables-sheet-conflict')
      await page.getByRole('button', { name: 'Keep mine' }).click()
      await page.getByRole('button', { name: 'Save 2' }).click()
      await page.getByText('2 edits are saved.').waitFor()
      const cells = (/** @type {string} */ old) => [{ column: 'customer', old, new: 'Mine' }, { column: 'amount', old: '1.10', new: '7.50' }]
      assert.deepEqual(saved.map(({ edits }) => edits), [[{ do: 'update', key: ['1'], cells: cells('Customer 1') }], [{ do: 'update', key: ['1'], cells: cells('Theirs') }]])
      // The far end is there without what lies between.
      await grid.focus()
      const before = asked.length
      await page.keyboard.press('Control+End')
      await grid.getByText('Customer 100000', { exact: true }).waitFor()
      assert.ok(asked.length - before <= 3, `${asked.length - before} requests for the end`)
      assert.ok((await grid.getByRole('gridcell').count()) < 500, 'all rows are drawn')
      // Escape gives Tab back to the page.
      await page.keyboard.press('Escape')
      await page.keyboard.press('Tab')
      assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role') ?? ''), '')
    },
  },
  {
    kind: 'tables',
    name: 'a login for psql is made, and its password shown once',
    run: async (page, url) => {
      const login = 'tables_ada_00000001'
      const list = { database: 'bulkhead_tables', port: 5432, logins: [{ login, is_own: true, email: 'ada@example.org', may_write: false, sessions: 2 }, { login: 'tables_bob_00000002', is_own: false, email: 'bob@example.org', may_write: true, sessions: 0 }] }
      /** @type {any[]} */
      const asked = []
      await answer(page, answers({ [`GET ${base}/logins`]: list, [`POST ${base}/logins`]: (/** @type {any} */ body) => { asked.push(body); return { login, password: 'kept-nowhere-4f0e', database: 'bulkhead_tables', port: 5432, may_write: true } } }))
      await page.goto(`${url}/tables`)
      await page.getByRole('button', { name: 'Connect with psql' }).click()
      await page.getByLabel('It may change rows').check()
      await look(page, 'tables-logins')
      await page.getByRole('button', { name: 'Make a new password' }).click()
      assert.equal(await page.getByLabel('Password').inputValue(), 'kept-nowhere-4f0e')
      await look(page, 'tables-login-made')
      assert.deepEqual(asked, [{ may_write: true }])
      await page.getByRole('button', { name: 'Close' }).last().click()
      await page.getByRole('button', { name: 'Connect with psql' }).click()
      await page.getByRole('button', { name: 'Make a new password' }).waitFor()
      assert.equal(await page.getByLabel('Password').count(), 0)
    },
  },
  {
    kind: 'tables',
    name: 'a change of a table is shown as SQL, and exactly that is run',
    run: async (page, url) => {
      /** @type {any[]} */
      const ran = []
      const preview = { sql: 'ALTER TABLE "public"."orders" DROP COLUMN "note";', state: 'abc', notes: ['It has 66,666 values, which are lost.'] }
      await answer(page, answers({ [`POST ${base}/change/preview`]: preview, [`POST ${base}/change`]: (/** @type {any} */ body) => { ran.push(body); return {} } }))
      await page.goto(`${url}/tables/orders?tab=structure`)
      await page.getByText('orders_customer_fkey').waitFor()
      await look(page, 'tables-structure')
      await page.getByRole('button', { name: 'Change note' }).click()
      await page.getByRole('menuitem', { name: 'Drop' }).click()
      await page.getByText('It has 66,666 values, which are lost.').waitFor()
      await look(page, 'tables-change')
      await page.getByRole('button', { name: 'Run this SQL' }).click()
      await page.getByText('The table is changed.').waitFor()
      assert.deepEqual(ran, [{ change: { do: 'drop-column', table: { schema: 'public', name: 'orders' }, column: 'note' }, sql: preview.sql, state: 'abc' }])
      await page.getByRole('button', { name: 'Add column' }).click()
      await page.getByRole('textbox', { name: 'Column' }).fill('code')
      await look(page, 'tables-add-column')
    },
  },
  {
    kind: 'tables',
    name: 'a file is sent, looked at, and imported without the rows that somebody has seen',
    run: async (page, url) => {
      const id = '01890000-0000-7000-8000-000000000099'
      /** @type {any[]} */
      const pieces = []
      /** @type {any[]} */
      const runs = []
      const rejected = [{ line: 3, column: 'due', reason: '"01/02/2026" is not a day, such as 2026-11-30', cells: ['Bob', '01/02/2026'] }]
      await answer(page, answers({
        [`POST ${base}/imports`]: { import: id },
        [`PUT ${base}/imports/${id}/rows`]: (/** @type {any} */ body) => { pieces.push(...body.rows); return {} },
        [`GET ${base}/imports/${id}`]: { rows: 2, columns: [{ name: 'customer', kind: 'text', empty: 0 }, { name: 'due_day', kind: 'text', empty: 0 }], sample: [{ line: 2, cells: ['Ada', null] }, { line: 3, cells: ['Bob', '01/02/2026'] }] },
        [`DELETE ${base}/imports/${id}`]: {},
        [`POST ${base}/imports/${id}`]: (/** @type {any} */ body) => { runs.push(body); return { imported: body.accept_rejected === 1, fitting: 1, rejected, too_many: false } },
      }))
      await openOrders(page, url)
      await page.getByRole('button', { name: 'Table', exact: true }).click()
      await page.getByRole('menuitem', { name: 'Import a CSV file' }).click()
      await look(page, 'tables-import-begin')
      await page.getByLabel('Choose a file').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from('Customer,Due day\nAda,\nBob,01/02/2026\n') })
      await page.getByLabel('Where due_day goes').selectOption('due')
      await look(page, 'tables-import-choices')
      await page.getByRole('button', { name: 'Import 2 rows' }).click()
      await page.getByText('is not a day').waitFor()
      await look(page, 'tables-import-rejected')
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save these rows as CSV' }).click()])
      assert.equal(download.suggestedFilename(), 'people-rejected.csv')
      await page.getByRole('button', { name: 'Import 1 row, leave out 1' }).click()
      await page.getByText('One row is imported.').waitFor()
      assert.deepEqual(pieces, [{ line: 2, cells: ['Ada', null] }, { line: 3, cells: ['Bob', '01/02/2026'] }])
      assert.deepEqual(runs.map(({ columns, accept_rejected }) => [columns, accept_rejected ?? null]), [[['customer', 'due'], null], [['customer', 'due'], 1]])
    },
  },
]
