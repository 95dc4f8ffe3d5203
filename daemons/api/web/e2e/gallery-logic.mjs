// @ts-check
/** Scripts, state and events in the real sandbox, under the policy that the api sends. */
import { strict as assert } from 'node:assert'
import { checkAccessibility } from './browser.mjs'

/** @param {unknown} app */
const address = (app) => `/?app=${encodeURIComponent(JSON.stringify(app))}`
/** @param {string} label @param {unknown[]} events */
const button = (label, events) => ({ type: 'button', properties: { label }, events })
/** @param {Record<string, unknown>} components @param {Record<string, unknown>} rest */
const appOf = (components, rest) => ({
  pages: { home: { components, layout: Object.fromEntries(Object.keys(components).map((name, index) => [name, { column: 0, row: index * 2, width: 12, height: 2 }])) } },
  ...rest,
})

/** @type {{ name: string, kind: string, run: (page: import('./browser.mjs').Page, url: string) => Promise<void> }[]} */
export const logicSteps = [
  {
    name: 'a script sets state and inputs, says so, and what it returns is shown',
    kind: 'button',
    run: async (page, url) => {
      const click = { on: 'click', action: { do: 'run-query', query: 'count', arguments: { by: '{{ 2 }}' } } }
      const code = "await state.n.set(state.n.value + args.by)\nawait note.setValue('set')\nnotify('Now ' + state.n.value, { tone: 'success' })\nlocalStorage.set('last', state.n.value)\nreturn [state.n.value, note.value]"
      const app = appOf(
        { go: button('Count', [click]), note: { type: 'text-input', properties: { label: 'Note' } }, shown: { type: 'text', properties: { value: 'n={{ state.n.value }} data={{ count.data }} kept={{ localStorage.last }}' } } },
        { scripts: { count: { code } }, state: { n: { initial: '{{ 40 }}' } } },
      )
      await page.goto(url + address(app))
      await page.getByText('n=40 data= kept=').waitFor()
      await page.getByRole('button', { name: 'Count' }).click()
      await page.getByText('n=42 data=[42,"set"] kept=42').waitFor()
      await page.getByText('Now 42').waitFor()
      await page.reload()
      await page.getByText('n=40 data= kept=42').waitFor()
    },
  },
  {
    name: 'a script has no page, no storage and no end of time',
    kind: 'button',
    run: async (page, url) => {
      const tries = {
        page: 'return [typeof document, typeof window, typeof indexedDB === "undefined" ? "none" : await new Promise((done) => { try { const asked = indexedDB.open("x"); asked.onerror = () => done("refused"); asked.onsuccess = () => done("opened") } catch { done("refused") } })]',
        loop: 'for (;;) {}',
        proto: '({}).__proto__.polluted = 1',
      }
      const components = Object.fromEntries(Object.keys(tries).map((name) => [`${name}Button`, button(`Try ${name}`, [{ on: 'click', action: { do: 'run-query', query: `${name}Try` } }])]))
      const shown = { type: 'text', properties: { value: 'page={{ pageTry.data }}' } }
      const app = appOf({ ...components, shown }, { scripts: Object.fromEntries(Object.entries(tries).map(([name, code]) => [`${name}Try`, { code }])) })
      await page.goto(url + address(app))
      await page.getByText('page=').waitFor()
      await page.getByRole('button', { name: 'Try page' }).click()
      await page.getByText('page=["undefined","undefined","refused"]').waitFor()
      await page.getByRole('button', { name: 'Try proto' }).click()
      await page.getByText('object is not extensible').waitFor()
      await page.getByRole('button', { name: 'Try loop' }).click()
      await page.getByText('an endless loop').waitFor({ timeout: 10_000 })
      // The rest of the app goes on.
      await page.getByRole('button', { name: 'Try page' }).click()
      await page.getByText('page=["undefined","undefined","refused"]').waitFor()
    },
  },
  {
    name: 'events do what they say: copy, save a file, focus, open',
    kind: 'modal',
    run: async (page, url) => {
      const components = {
        save: button('Save', [{ on: 'click', action: { do: 'download', value: '{{ [{ a: 1, b: "=x" }] }}', 'file-name': 'a/b.csv', format: 'csv' } }]),
        look: button('Look', [{ on: 'click', action: { do: 'call', component: 'name', method: 'focus' } }]),
        bad: button('Bad', [{ on: 'click', action: { do: 'open-url', url: 'javascript:alert(1)' } }]),
        show: button('Show', [{ on: 'click', action: { do: 'open', component: 'box' }, when: '{{ name.value }}' }]),
        name: { type: 'text-input', properties: { label: 'Name' } },
        box: { type: 'modal', properties: { title: 'Box' } },
      }
      await page.goto(url + address(appOf(components, {})))
      // Nothing, as long as there is no name; that is found out while the rest is done.
      await page.getByRole('button', { name: 'Show' }).click()
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save' }).click()])
      assert.equal(download.suggestedFilename(), 'a_b.csv')
      await page.getByRole('button', { name: 'Look' }).click()
      await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT')
      await page.getByRole('button', { name: 'Bad' }).click()
      await page.getByText('cannot be opened').waitFor()
      assert.equal(await page.getByRole('dialog', { name: 'Box' }).count(), 0)
      await page.getByLabel('Name').fill('Ada')
      await page.getByRole('button', { name: 'Show' }).click()
      await page.getByRole('dialog', { name: 'Box' }).waitFor()
    },
  },
  {
    name: 'methods move what only a view can: a list, a tree, a map',
    kind: 'list',
    run: async (page, url) => {
      const act = (/** @type {string} */ component, /** @type {string} */ method, /** @type {unknown[]} */ given = []) => [{ on: 'click', action: { do: 'call', component, method, arguments: given } }]
      const components = {
        down: button('Down', act('many', 'scrollTo', [90])),
        unfold: button('Unfold', act('regions', 'expandAll')),
        fold: button('Fold', act('regions', 'collapseAll')),
        gdansk: button('Gdansk', act('depots', 'centerOn', ['{{ 54.35 }}', '{{ 18.65 }}', '{{ 6 }}'])),
        many: { type: 'list', properties: { data: '{{ Array.from({ length: 100 }, (_, n) => n) }}' } },
        each: { type: 'text', properties: { value: 'Item {{ item }}' } },
        regions: { type: 'tree', properties: { data: '{{ [{ label: "Europe", children: [{ label: "France", children: [{ label: "Lyon" }] }] }] }}' } },
        depots: { type: 'map', properties: { data: '{{ [{ name: "Lyon", lat: 45.76, lon: 4.84 }, { name: "Gdansk", lat: 54.35, lon: 18.65 }] }}' } },
      }
      const app = appOf(components, {})
      Object.assign(app.pages.home.layout.many ?? {}, { height: 6 })
      Object.assign(app.pages.home.layout.each ?? {}, { column: 0, row: 0, parent: 'many' })
      Object.assign(app.pages.home.layout.depots ?? {}, { height: 8 })
      await page.goto(url + address(app))
      await page.getByText('Item 19', { exact: true }).waitFor()
      assert.equal(await page.getByText('Item 90', { exact: true }).count(), 0)
      await page.getByRole('button', { name: 'Down' }).click()
      await page.waitForFunction(() => {
        const list = document.querySelector('.app-list')?.getBoundingClientRect()
        const item = [...document.querySelectorAll('.app-list li')].find((one) => one.textContent === 'Item 90')?.getBoundingClientRect()
        return list && item && item.top >= list.top - 1 && item.bottom <= list.bottom + 1
      })
      await page.getByRole('button', { name: 'Unfold' }).click()
      await page.getByRole('treeitem', { name: 'Lyon' }).waitFor()
      await page.getByRole('button', { name: 'Fold', exact: true }).click()
      await page.getByRole('treeitem', { name: 'Lyon' }).waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'Lyon' }).waitFor()
      await page.getByRole('button', { name: 'Gdansk', exact: true }).first().click()
      // Lyon is out of sight now.
      await page.getByRole('button', { name: 'Lyon' }).waitFor({ state: 'detached' })
    },
  },
  {
    name: 'a style sheet reaches the app and nothing else',
    kind: 'text',
    run: async (page, url) => {
      const style = 'body, main, .viewer-main, .toasts { outline: 9px solid red }\n.urgent { color: rgb(1, 2, 3); &:hover { color: rgb(4, 5, 6) } }\n[data-component="other"] { letter-spacing: 3px }\n:root { --space-4: 40px }'
      const app = appOf({ one: { type: 'text', class: 'urgent', properties: { value: 'One' } }, other: { type: 'text', properties: { value: 'Other' } } }, { style })
      await page.goto(url + address(app))
      await page.getByText('One', { exact: true }).waitFor()
      const found = () =>
        page.evaluate(() => {
          const of = (/** @type {string} */ selector, /** @type {string} */ property) => getComputedStyle(/** @type {Element} */ (document.querySelector(selector))).getPropertyValue(property)
          return [of('[data-component="one"]', 'color'), of('[data-component="other"]', 'letter-spacing'), of('body', 'outline-style'), of('main', 'outline-style'), of('main', '--space-4').trim(), of('.themed', '--space-4').trim()]
        })
      await page.waitForFunction(() => getComputedStyle(/** @type {Element} */ (document.querySelector('[data-component="one"]'))).color === 'rgb(1, 2, 3)')
      const [color, spacing, body, main, outer, inner] = await found()
      assert.deepEqual([color, spacing, body, main, inner], ['rgb(1, 2, 3)', '3px', 'none', 'none', '40px'])
      assert.notEqual(outer, '40px')
      await page.getByText('One', { exact: true }).hover()
      assert.equal((await found())[0], 'rgb(4, 5, 6)')
    },
  },
  {
    name: 'a style sheet is written in the builder, which says where one is wrong',
    kind: 'text',
    run: async (page, url) => {
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${url}/?builder=theme`)
      const dialog = page.getByRole('dialog', { name: 'Theme' })
      await dialog.getByText('Style sheet').click()
      const editor = dialog.getByRole('textbox', { name: 'Style sheet' })
      await editor.click()
      await page.keyboard.insertText('[data-component="heading"] {\n  color: rgb(1, 2, 3);\n  position: fixed;\n}')
      await dialog.getByText('Line 3: position is static').waitFor()
      await checkAccessibility(page, 'a style sheet with a fault')
      const color = () => page.locator('[data-name="heading"] p, [data-name="heading"] h2, [data-name="heading"] .app-text').first().evaluate((element) => getComputedStyle(element).color)
      assert.notEqual(await color(), 'rgb(1, 2, 3)')
      await page.keyboard.press('Control+a')
      await page.keyboard.insertText('[data-component="heading"] * {\n  color: rgb(1, 2, 3);\n}')
      await dialog.getByText('CSS for this app alone').waitFor()
      await page.waitForFunction(() => [...document.querySelectorAll('[data-name="heading"] .canvas-content *')].some((element) => getComputedStyle(element).color === 'rgb(1, 2, 3)'))
      await checkAccessibility(page, 'a style sheet')
      if (process.env.BULKHEAD_PICTURES) await page.screenshot({ path: `${process.env.BULKHEAD_PICTURES}/style-sheet.png` })
    },
  },
  {
    name: 'a module says what it takes, gives and tells of',
    kind: 'module',
    run: async (page, url) => {
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${url}/?builder=ports`)
      const dialog = page.getByRole('dialog', { name: 'Inputs, outputs and events' })
      await dialog.getByText('= 42').or(dialog.getByLabel('Value of total')).first().waitFor()
      await dialog.getByRole('button', { name: 'Add input' }).click()
      await dialog.getByLabel('Name of input input1').fill('most')
      await dialog.getByLabel('Name of input input1').blur()
      await dialog.getByLabel('Type of most').selectOption('number')
      await dialog.getByLabel('Value of most').fill('12')
      await dialog.getByLabel('Name of event saved').fill('stored')
      await dialog.getByLabel('Name of event saved').blur()
      await dialog.getByLabel('When stored happens').waitFor()
      // A name that is taken changes nothing.
      await dialog.getByLabel('Name of output total').fill('most')
      await dialog.getByLabel('Name of output total').blur()
      await dialog.getByLabel('Value of total').waitFor()
      await checkAccessibility(page, 'what a module takes')
      if (process.env.BULKHEAD_PICTURES) await page.screenshot({ path: `${process.env.BULKHEAD_PICTURES}/ports.png` })
    },
  },
  {
    name: 'a module is added, given its inputs, renamed, updated and taken out in the builder',
    kind: 'module',
    run: async (page, url) => {
      const at = (/** @type {number} */ row) => ({ column: 0, row, width: 16, height: row === 0 ? 1 : 2 })
      const release = (/** @type {number} */ version, /** @type {string} */ text) => ({
        version,
        document: {
          format: 1, title: 'Customer card', 'home-page': 'home',
          pages: { home: { components: { title: { type: 'text', properties: { value: `${text} {{ module.customer.name }}, {{ note.value.length }}` } }, note: { type: 'text-input', properties: { label: 'Note', 'default-value': 'abc' } } }, layout: { title: at(0), note: at(1) } } },
          module: { inputs: { customer: { type: 'object', label: 'Customer', default: "{{ { name: 'Nobody' } }}" } }, outputs: { length: '{{ note.value.length }}' }, events: { saved: 'When it was saved' } },
        },
      })
      let version = 1
      await page.route('**/api/v1/apps/card/module', (route) => route.fulfill({ json: release(version, version === 1 ? 'Card of' : 'New card of') }))
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${url}/?builder`)
      const canvas = page.locator('.canvas')
      const inspector = page.getByRole('complementary', { name: 'Inspector' })
      await canvas.getByText('0 done, 2 orders, 42').waitFor()
      await page.getByRole('group', { name: 'Modules' }).getByRole('button', { name: 'Customer card' }).click()
      await canvas.getByText('Card of Nobody, 3').waitFor()
      await inspector.getByText('Version 1', { exact: true }).waitFor()
      await checkAccessibility(page, 'a module in the inspector')
      if (process.env.BULKHEAD_PICTURES) await page.screenshot({ path: `${process.env.BULKHEAD_PICTURES}/module-in-app.png` })
      await inspector.getByRole('textbox', { name: 'Customer' }).fill('{{ listOrders.rows[1] }}')
      await canvas.getByText('Card of Porto Azul, 3').waitFor()
      // What stands in it is neither in the tree nor among the queries.
      assert.equal(await page.getByRole('complementary', { name: 'Components' }).getByRole('button', { name: 'card__title' }).count(), 0)
      await inspector.getByLabel('Name', { exact: true }).fill('detail')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Module detail' }).waitFor()
      await canvas.getByText('Card of Porto Azul, 3').waitFor()
      version = 2
      await inspector.getByRole('button', { name: 'Update to version 2' }).click()
      await canvas.getByText('New card of Porto Azul, 3').waitFor()
      await inspector.getByText('Version 2', { exact: true }).waitFor()
      await inspector.getByRole('button', { name: 'Delete component' }).click()
      await canvas.getByText('New card of').waitFor({ state: 'detached' })
    },
  },
  {
    name: 'the builder runs a script, completes names, and says why, when, what is wrong and where',
    kind: 'table',
    run: async (page, url) => {
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${url}/?builder`)
      const canvas = page.locator('.canvas')
      await canvas.getByText('0 done, 2 orders, 42').waitFor()
      await page.getByRole('button', { name: 'Run script' }).click()
      await canvas.getByText('5 done, 2 orders, 42').waitFor()
      await page.getByText('closing 2').waitFor()
      await checkAccessibility(page, 'script')

      const condition = page.getByRole('textbox', { name: 'Only when' }).first()
      await condition.fill('')
      await condition.pressSequentially('{{ orders.selectedI')
      await page.getByRole('option', { name: 'selectedIndex' }).waitFor()
      await checkAccessibility(page, 'names that are offered')
      await page.keyboard.press('Enter')
      await page.keyboard.type(' }}')
      assert.equal(await condition.inputValue(), '{{ orders.selectedIndex }}')
      await page.getByText('= -1').waitFor()

      await page.getByRole('button', { name: 'Debug' }).click()
      const panel = page.getByRole('tabpanel')
      const tab = async (/** @type {string} */ name) => {
        await page.getByRole('tab', { name }).click()
        await panel.waitFor()
      }
      await panel.getByRole('searchbox').fill('porto')
      await panel.getByText('listOrders.rows[1].name').waitFor()
      await checkAccessibility(page, 'values')
      await tab('Why')
      await panel.getByRole('textbox', { name: 'Value' }).fill('heading.value')
      await page.keyboard.press('Enter')
      await panel.getByText('It was set by an action or a script.').waitFor()
      await checkAccessibility(page, 'why')
      await tab('Timeline')
      await panel.getByText('closing 1').waitFor()
      await checkAccessibility(page, 'timeline')
      await tab('Problems')
      await panel.getByText('nosuch is not the name of anything').click()
      await page.getByRole('textbox', { name: 'Name', exact: true }).first().waitFor()
      assert.equal(await page.getByRole('complementary', { name: 'Inspector' }).getByLabel('Name', { exact: true }).inputValue(), 'bad')
      await checkAccessibility(page, 'problems')
      await tab('Find')
      await panel.getByLabel('Or what refers to').selectOption('listOrders')
      await panel.getByText('4 found').waitFor()
      await checkAccessibility(page, 'find')
    },
  },
]
