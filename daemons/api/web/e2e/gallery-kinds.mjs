// @ts-check
/** Kinds of components used as people use them, by accessible roles. */
import { strict as assert } from 'node:assert'

/** @typedef {import('./browser.mjs').Page} Page */

/** @param {Page} page */
const held = (page, /** @type {string} */ name) =>
  page.evaluate((of) => /** @type {any} */ (window).runtime.store.getState().components[of], name)

/** `expects`: what the browser may say on the way. @type {{ kind: string, name: string, expects?: RegExp, run: (page: Page) => Promise<void> }[]} */
export const kindSteps = [
  {
    kind: 'list',
    name: 'each item of a list has its own inputs, which its buttons and the list see',
    run: async (page) => {
      const list = page.getByRole('region', { name: 'parcels' })
      await list.getByText('18: Porto Azul').waitFor()
      await list.getByLabel('Pieces').nth(1).fill('7')
      await list.getByRole('button', { name: 'Send 7' }).click()
      await page.getByText('Sent 18.').waitFor()
      assert.deepEqual((await held(page, 'parcels')).values, [{ pieces: 1 }, { pieces: 7 }])
      await list.getByRole('button', { name: 'Send 1' }).waitFor()
    },
  },
  {
    kind: 'list',
    name: 'a list in a list has its own inputs, sees the item around it, and is sent with the form',
    run: async (page) => {
      const place = (/** @type {number} */ row, /** @type {string | undefined} */ parent, height = 2) => ({ column: 0, row, width: 24, height, ...(parent ? { parent } : {}) })
      const app = {
        components: {
          order: { type: 'form', properties: { title: 'Order' }, events: [{ on: 'submit', action: { do: 'notify', message: '{{ JSON.stringify(order.data) }}' } }] },
          parts: { type: 'list', properties: { data: "{{ [{ name: 'A', lines: ['a1', 'a2'] }, { name: 'B', lines: ['b1'] }] }}" } },
          lines: { type: 'list', properties: { data: '{{ item.lines }}' } },
          count: { type: 'number-input', properties: { label: 'Count of {{ item }} in {{ parent.item.name }}', 'default-value': '{{ parent.index + index }}' } },
          drop: { type: 'button', properties: { label: 'Drop {{ item }}' }, events: [{ on: 'click', action: { do: 'set-value', component: 'count', value: '0' } }, { on: 'click', action: { do: 'notify', message: '{{ lines.item }} of {{ parts.item.name }}' } }] },
        },
        layout: { order: place(0, undefined, 24), parts: place(0, 'order', 20), lines: place(0, 'parts', 6), count: place(0, 'lines'), drop: place(2, 'lines', 1) },
      }
      const gallery = new URL(page.url()).origin
      await page.goto(`${gallery}/?page=${encodeURIComponent(JSON.stringify(app))}`)
      await page.getByLabel('Count of a2 in A').fill('7')
      await page.getByLabel('Count of b1 in B').fill('9')
      await page.getByRole('button', { name: 'Drop a2' }).click()
      await page.getByText('a2 of A').waitFor()
      assert.equal(await page.getByLabel('Count of a2 in A').inputValue(), '0')
      assert.equal(await page.getByLabel('Count of b1 in B').inputValue(), '9')
      await page.getByRole('button', { name: 'Submit' }).click()
      await page.getByText('{"parts":[{"lines":[{"count":0},{"count":0}]},{"lines":[{"count":9}]}]}').waitFor()
    },
  },
  {
    kind: 'module',
    name: 'a module computes with what it is given, and tells of what happens',
    run: async (page) => {
      await page.getByText('Lyon, 24 kg').waitFor()
      await page.getByLabel('Parcels').fill('3')
      await page.getByText('Lyon, 36 kg').waitFor()
      await page.getByRole('button', { name: 'Book' }).click()
      await page.getByText('Booked: Lyon, 36 kg.').waitFor()
    },
  },
  {
    kind: 'chart',
    name: 'a chart is read by the keyboard and as a table',
    run: async (page) => {
      await page.getByRole('group', { name: /Bar chart: Revenue/ }).focus()
      await page.keyboard.press('ArrowRight')
      await page.getByText('Jan 2026: North €1,200, South €2,100').waitFor({ state: 'attached' })
      await page.keyboard.press('Enter')
      assert.equal((await held(page, 'revenueChart')).selected.x, '2026-01-01')
      await page.getByRole('button', { name: 'Show revenueChart as a table' }).click()
      await page.getByRole('region', { name: 'Revenue' }).getByRole('cell', { name: '€2,440' }).waitFor()
    },
  },
  {
    kind: 'kanban',
    name: 'a card is moved by the keyboard',
    run: async (page) => {
      await page.getByRole('button', { name: 'Check stock' }).focus()
      await page.keyboard.press('Control+ArrowRight')
      await page.getByRole('region', { name: 'Done' }).getByRole('button', { name: 'Check stock' }).waitFor()
      const { from, to } = (await held(page, 'tasks')).moved
      assert.deepEqual([from, to], ['doing', 'done'])
    },
  },
  {
    kind: 'rich-text',
    name: 'rich text becomes Markdown, and what is pasted comes as text',
    run: async (page) => {
      const text = page.getByRole('textbox', { name: 'Note' })
      // What is typed before the default is there would begin another text.
      await text.getByText('Customs wants').waitFor()
      await text.click()
      await page.keyboard.press('Control+End')
      await page.keyboard.press('Enter')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Bold' }).click()
      await page.keyboard.type('5*3')
      await page.waitForFunction(() => /** @type {any} */ (window).runtime.store.getState().components.noteText?.value?.endsWith('**5\\*3**'))
      assert.equal((await held(page, 'noteText')).value, '## Held up\n\nCustoms wants **two** papers:\n\n- the invoice\n- a *list* of contents\n\n**5\\*3**')
      await text.evaluate((element) => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text/html', '<h1 onclick="alert(1)">big</h1>')
        clipboardData.setData('text/plain', 'plain')
        element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
      })
      await page.waitForFunction(() => /** @type {any} */ (window).runtime.store.getState().components.noteText?.value?.endsWith('plain**'))
      assert.equal(await text.locator('h1').count(), 0)
    },
  },
  {
    kind: 'rich-text',
    name: 'rich text leaves what nobody edits as it was written',
    run: async (page) => {
      const text = page.getByRole('textbox', { name: 'Note' })
      for (const given of [
        '| a | **b** |\n| --- | --- |\n| 1 | \\_2 |\n\nend',
        'one  \ntwo\n\nend',
        '\\_\\_init\\_\\_ and \\*stars\\*\n\nend',
        '\\# 42\n\n\\> said\n\n\\- dash\n\n1\\. one\n\nend',
        '##### deep\n\n###### deepest\n\nend',
        '7. seven\n8. eight\n\nend',
        '```sql\nselect 1\n| a |\n```\n\nend',
        '> one\n>\n> two\n\nend',
      ]) {
        await page.evaluate((value) => /** @type {any} */ (window).runtime.setComponent('noteText', { value }), given)
        await text.getByText('end', { exact: true }).waitFor()
        await text.click()
        await page.keyboard.press('Control+End')
        await page.keyboard.type('x')
        await page.waitForFunction(() => /** @type {any} */ (window).runtime.store.getState().components.noteText.value.endsWith('endx'))
        assert.equal((await held(page, 'noteText')).value, `${given}x`)
      }
    },
  },
  {
    kind: 'custom',
    name: 'a custom component gets data, sets its state, and reaches nothing',
    // Refused, as it must be.
    expects: /api\/v1\/session/,
    run: async (page) => {
      const frame = page.frameLocator('iframe[title=Load]')
      await frame.getByRole('button', { name: 'Acknowledge' }).click()
      await page.getByText('Acknowledged 62 %.').waitFor()
      const reached = await frame.locator('#root').evaluate(async () => {
        /** @param {() => unknown} act */
        const tried = async (act) => {
          try {
            await act()
            return 'reached'
          } catch {
            return 'refused'
          }
        }
        return [await tried(() => fetch('/api/v1/session')), await tried(() => localStorage.length), await tried(() => parent.document.title), await tried(() => document.cookie)]
      })
      assert.deepEqual(reached, ['refused', 'refused', 'refused', 'refused'])
    },
  },
  {
    kind: 'schema-form',
    name: 'a form of a schema says what is missing, and holds what was filled in',
    run: async (page) => {
      await page.getByLabel('Pieces').fill('0')
      await page.getByLabel('City').fill('Lyon')
      await page.getByLabel('City').blur()
      await page.getByText('Give 1 or more.').waitFor()
      await page.getByLabel('Customer').fill('Ada')
      await page.getByLabel('Pieces').fill('3')
      const { value, isValid } = await held(page, 'newOrder')
      assert.deepEqual([isValid, value.customer, value.pieces, value.kind, value.address], [true, 'Ada', 3, 'parcel', { city: 'Lyon' }])
    },
  },
  {
    kind: 'signature',
    name: 'a signature is a picture, drawn or written',
    run: async (page) => {
      await page.getByRole('textbox', { name: 'Sign by writing your name' }).fill('Ada')
      await page.waitForFunction(() => /** @type {any} */ (window).runtime.store.getState().components.received?.value)
      assert.match((await held(page, 'received')).value.base64, /^iVBORw0KGgo/)
      await page.getByRole('button', { name: 'Start again' }).click()
      assert.equal((await held(page, 'received')).value, null)
    },
  },
  {
    kind: 'calendar',
    name: 'a calendar is walked by the keyboard, from month to month',
    run: async (page) => {
      await page.getByRole('gridcell', { name: /November 10/ }).focus()
      await page.keyboard.press('PageDown')
      await page.getByRole('heading', { name: 'December 2026' }).waitFor()
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Enter')
      const { selectedDay, month } = await held(page, 'monthPlan')
      assert.deepEqual([selectedDay, month], ['2026-12-11', '2026-12'])
    },
  },
  {
    kind: 'tree',
    name: 'a tree opens and closes by the keyboard',
    run: async (page) => {
      await page.getByRole('tree').focus()
      await page.keyboard.press('ArrowLeft')
      await page.getByRole('treeitem', { name: 'France' }).waitFor({ state: 'detached' })
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('l')
      await page.keyboard.press('Enter')
      assert.equal((await held(page, 'places')).value, 3)
    },
  },
  {
    kind: 'drawer',
    name: 'a drawer opens over the page, and closes by Escape',
    run: async (page) => {
      await page.getByRole('button', { name: 'Show filters' }).click()
      await page.getByRole('dialog', { name: 'Filters' }).getByLabel('City').fill('Lyon')
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
    },
  },
  {
    kind: 'map',
    name: 'a place on a map is chosen, and the map is moved',
    run: async (page) => {
      await page.getByRole('button', { name: 'Gdańsk' }).click()
      assert.equal((await held(page, 'depots')).selected.name, 'Gdańsk')
      await page.getByRole('group', { name: /Depots: 3 places/ }).focus()
      for (const key of ['+', 'ArrowLeft', '0']) await page.keyboard.press(key)
    },
  },
]
