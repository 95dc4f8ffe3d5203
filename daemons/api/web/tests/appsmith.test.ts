import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AppDocument } from '../src/api/types'
import { type Around, translateTrigger } from '../src/appsmith/actions'
import { type Target, translateTemplate } from '../src/appsmith/expressions'
import { importAppsmith } from '../src/appsmith/import'
import { withWholeTexts } from '../src/appsmith/sql'
import { parseExpression, parseTemplate } from '../src/evaluator/binding'
import { faultsOf } from './support/document-check'

type Logic = AppDocument & { scripts?: Record<string, { code: string }>; transformers?: Record<string, { code: string }>; state?: Record<string, { initial?: unknown }> }

const targets = new Map<string, Target>([
  ['Input1', { name: 'Input1', what: 'widget', type: 'INPUT_WIDGET_V2' }],
  ['Select1', { name: 'Select1_2', what: 'widget', type: 'SELECT_WIDGET' }],
  ['Table1', { name: 'Table1', what: 'widget', type: 'TABLE_WIDGET_V2' }],
  ['Modal1', { name: 'Modal1', what: 'widget', type: 'MODAL_WIDGET' }],
  ['getUsers', { name: 'getUsers', what: 'query' }],
])
const around: Around = { targets, stored: new Map(), storedName: (key) => key, modal: 'Modal1', pages: new Map([['Orders', 'Orders']]) }

describe('an expression of Appsmith', () => {
  it.each([
    ['{{Input1.text}}', '{{Input1.value}}'],
    ['Hello {{ Select1.selectedOptionValue }}, {{getUsers.data.length}}', 'Hello {{ Select1_2.value }}, {{getUsers.data.length}}'],
    ['{{Table1.selectedRow.text + Table1.selectedRowIndex}}', '{{Table1.selectedRow.text + Table1.selectedIndex}}'],
    ['{{ getUsers.isLoading ? "a" : Input1.text }}', '{{ getUsers.loading ? "a" : Input1.value }}'],
    ['{{appsmith.user.email}} {{appsmith.URL.queryParams.id}} {{appsmith.store.cart.items}}', '{{current_user.email}} {{url.parameters.id}} {{state.cart.value.items}}'],
    ['{{ [1].map((Input1) => Input1.text) }}', '{{ [1].map((Input1) => Input1.text) }}'],
    ['{{ ({ Select1 }) }}', '{{ ({ Select1: Select1_2 }) }}'],
    ['{{ other.Input1.text }}', '{{ other.Input1.text }}'],
    ['{{ `${Input1.text}}}` }}', '{{ `${Input1.value}}}` }}'],
  ])('%s', (text, expected) => expect(translateTemplate(text, around)).toEqual({ text: expected, problems: [] }))

  it('that cannot be read is kept as words, and told', () => {
    const { text, problems } = translateTemplate('{{ a + }}', around)
    expect(problems).toHaveLength(1)
    expect(parseTemplate(text)).toEqual([{ text: '{ { a + }}' }])
  })

  it('tells of what is not there', () => {
    expect(translateTemplate('{{ moment().format() + appsmith.mode }}', around).problems).toEqual([expect.stringContaining('moment'), '`appsmith.mode` is not there'])
  })
})

describe('bindings in SQL', () => {
  it.each([
    ["where a = '{{x.y}}' and b = {{ z }}", 'where a = {{x.y}} and b = {{ z }}'],
    ["where name like '%{{ Table1.searchText }}%'", "where name like {{ `%${Table1.searchText ?? ''}%` }}"],
    ["'{{a}}-{{ b || 1 }}'", "{{ `${a ?? ''}-${(b || 1) ?? ''}` }}"],
    ["'it''s `{{a}}` for $5 \\'", "{{ `it's \\`${a ?? ''}\\` for \\$5 \\\\` }}"],
    ["'{{ a // why\n }}!'", "{{ `${(a // why\n) ?? ''}!` }}"],
    ["'{{ const b = a; return b }}!'", "{{ `${(() => { const b = a; return b\n})() ?? ''}!` }}"],
    ["'it''s' || {{a}} || 'done'", "'it''s' || {{a}} || 'done'"],
    ["select 1 -- {{ old }} it's\nwhere a = '{{a}}'", "select 1 -- { { old }} it's\nwhere a = {{a}}"],
    ["/* '{{ old }} */ {{a}}", "/* '{ { old }} */ {{a}}"],
    ['select "it\'s" {{a}} $$ it\'s $$ {{b}}', 'select "it\'s" {{a}} $$ it\'s $$ {{b}}'],
    ["e'\\'{{a}}\\n'", "{{ `'${a ?? ''}\n` }}"],
    ["> now() - INTERVAL '{{n}} days' and d = date '2026-01-01'", "> now() - {{ `${n ?? ''} days` }}::text::INTERVAL and d = date '2026-01-01'"],
    ["'never closed", "'never closed"],
  ])('%s', (statement, expected) => expect(withWholeTexts(statement, 'postgresql')).toEqual({ statement: expected }))

  it('are found by the rules of the database', () => {
    expect(withWholeTexts('where a = "{{a}}" and b like "\\"{{b}}\\_%" # {{old}}\n', 'mysql')).toEqual({ statement: "where a = {{a}} and b like {{ `\"${b ?? ''}\\\\_%` }} # { {old}}\n" })
    expect(withWholeTexts("now() - interval '{{n}}' day", 'mysql')).toEqual({ statement: 'now() - interval {{n}} day' })
    expect(withWholeTexts('5--3 {{a}} `it\'s` {{b}}', 'mysql')).toEqual({ statement: '5--3 {{a}} `it\'s` {{b}}' })
    expect(withWholeTexts("[it's] = {{a}} or b = N'{{b}}%' or c = N'x'", 'sql-server')).toEqual({ statement: "[it's] = {{a}} or b = {{ `${b ?? ''}%` }} or c = N'x'" })
  })

  it.each([
    ['select "{{a}}"', 'postgresql'],
    ['$$ {{a}} $$', 'postgresql'],
    ["'never closed {{a}}", 'postgresql'],
    ['`{{a}}`', 'mysql'],
    ['[{{a}}]', 'sql-server'],
  ] as const)('%s is one that nothing helps', (statement, dialect) => expect(withWholeTexts(statement, dialect)).toEqual({ stuck: '{{a}}' }))

  it('leave the rest of an app as it is, and what could not be bound is told', async () => {
    const of = (name: string, body: string) => ({ pluginId: 'postgres-plugin', unpublishedAction: { name, pageId: 'Orders', datasource: { name: 'Orders DB' }, actionConfiguration: { body } } })
    const { document, report } = await importAppsmith({ ...exported, actionList: [of('getOrders', "select * from orders where name like '%{{Name.text}}%'"), of('any', 'select * from "{{Name.text}}"')], actionCollectionList: [] })
    expect(document.queries).toEqual({ getOrders: expect.objectContaining({ statement: "select * from orders where name like {{ `%${Name.value ?? ''}%` }}" }) as unknown })
    expect((document as Logic).scripts?.any?.code).toContain('was not translated')
    expect(report).toContainEqual(expect.objectContaining({ level: 'missing', node: 'any', message: expect.stringContaining('{{Name.value}}') as unknown }))
  })
})

describe('an event of Appsmith', () => {
  it.each([
    ['{{getUsers.run()}}', [{ do: 'run-query', query: 'getUsers' }]],
    ["{{showModal('Modal1'); showAlert('Hi ' + Input1.text, 'success')}}", [{ do: 'open', component: 'Modal1' }, { do: 'notify', message: "{{ 'Hi ' + Input1.value }}", tone: 'success' }]],
    ['{{closeModal(Modal1.name)}}', [{ do: 'close', component: 'Modal1' }]],
    ['{{closeModal()}}', [{ do: 'close', component: 'Modal1' }]],
    ["{{navigateTo('Orders', {id: Table1.selectedRow.id}, 'SAME_WINDOW')}}", [{ do: 'navigate', page: 'Orders', parameters: { id: '{{ Table1.selectedRow.id }}' } }]],
    ["{{storeValue('cart', [])}}", [{ do: 'set-state', variable: 'cart', value: '{{ [] }}' }]],
    ["{{() => { resetWidget('Input1', true); copyToClipboard('x') }}}", [{ do: 'reset', component: 'Input1' }, { do: 'copy', value: 'x' }]],
  ])('%s', (text, actions) => expect(translateTrigger(text, around)).toEqual({ actions, problems: [] }))

  it('runs a function of an object with its parameters by name', () => {
    const withObject: Around = { ...around, targets: new Map([...targets, ['Utils', { name: 'Utils', what: 'object', members: { save: { is: 'script', name: 'Utils_save', parameters: ['id', 'name'] } } }]]) }
    expect(translateTrigger('{{ Utils.save() }}', withObject).actions).toEqual([{ do: 'run-query', query: 'Utils_save' }])
    expect(translateTrigger('{{ Utils.save(1, "x") }}', withObject).script).toBe('Utils_save.run({ id: 1, name: "x" })')
    expect(translateTemplate('{{ Utils.save(1) }}', withObject)).toEqual({ text: '{{ Utils_save.data }}', problems: [expect.stringContaining('let an event run it')] })
  })

  it('that decides something becomes a script', () => {
    const { script } = translateTrigger("{{getUsers.run(() => closeModal('Modal1'), () => showAlert('No: ' + Input1.text, 'error'))}}", around)
    expect(script).toBe("getUsers.run().then(() => Modal1.close(), () => notify('No: ' + Input1.value, 'error'))")
    expect(translateTrigger("{{ Input1.text ? navigateTo('Orders') : storeValue('cart', Select1.selectedOptionValue) }}", around).script).toBe('Input1.value ? navigate("Orders") : state.cart.set(Select1_2.value)')
  })
})

const widget = (type: string, widgetName: string, place: [number, number, number, number], more: object = {}) => ({ type, widgetName, leftColumn: place[0], topRow: place[1], rightColumn: place[2], bottomRow: place[3], ...more })
const canvas = (...children: object[]) => ({ type: 'CANVAS_WIDGET', widgetName: 'Canvas', children })

/** Two pages with widgets of the same names, queries, and an object. */
const exported = {
  exportedApplication: { name: 'Shop' },
  pageOrder: ['Orders', 'Detail'],
  pageList: [
    { unpublishedPage: { name: 'Detail', layouts: [{ dsl: canvas(widget('TEXT_WIDGET', 'Title', [0, 0, 64, 4], { text: '{{Utils.total()}} of {{Utils.count}}' }), widget('HOLOGRAM_WIDGET', 'Odd', [0, 4, 20, 12])) }] } },
    {
      unpublishedPage: {
        name: 'Orders',
        layouts: [
          {
            dsl: canvas(
              widget('TEXT_WIDGET', 'Title', [0, 0, 32, 4], { text: 'Orders', fontSize: '1.5rem' }),
              widget('CONTAINER_WIDGET', 'Box', [0, 5, 64, 50], { children: [canvas(widget('TABLE_WIDGET_V2', 'Table1', [0, 0, 64, 30], { tableData: '{{getOrders.data}}', onRowSelected: "{{navigateTo('Detail', {id: Table1.selectedRow.id})}}" }))] }),
              widget('TABS_WIDGET', 'Tabs1', [0, 51, 64, 80], { tabsObj: { a: { label: 'One', index: 0 }, b: { label: 'Two', index: 1 } }, children: [{ ...canvas(widget('INPUT_WIDGET_V2', 'Name', [0, 0, 30, 7], { label: 'Name', isRequired: true, isVisible: '{{Table1.selectedRow.id > 0}}' })), tabName: 'Two' }] }),
              widget('MODAL_WIDGET', 'Sure', [10, 20, 40, 44], { children: [canvas(widget('BUTTON_WIDGET', 'Yes', [0, 0, 16, 4], { text: 'Yes', onClick: '{{save.run(() => closeModal())}}' }))] }),
            ),
          },
        ],
      },
    },
  ],
  actionList: [
    { pluginId: 'postgres-plugin', unpublishedAction: { name: 'getOrders', pageId: 'Orders', executeOnLoad: true, datasource: { name: 'Orders DB' }, actionConfiguration: { body: "SELECT * FROM orders WHERE name = '{{Name.text}}';", timeoutInMillisecond: 20000 } } },
    { pluginId: 'postgres-plugin', unpublishedAction: { name: 'save', pageId: 'Orders', confirmBeforeExecute: true, datasource: { name: 'Orders DB' }, actionConfiguration: { body: 'UPDATE orders SET name = {{Name.text}} WHERE id = {{Table1.selectedRow.id}}' } } },
    { pluginId: 'restapi-plugin', unpublishedAction: { name: 'rates', pageId: 'Detail', datasource: { name: 'Rates' }, actionConfiguration: { httpMethod: 'POST', path: '/v1/{{Title.text}}', headers: [{ key: 'Authorization', value: 'Bearer secret' }, { key: 'X-A', value: '1' }], body: '{"of": "{{appsmith.user.email}}"}' } } },
    { pluginId: 'google-sheets-plugin', unpublishedAction: { name: 'sheet', pageId: 'Detail', datasource: { name: 'Sheets' }, actionConfiguration: {} } },
  ],
  actionCollectionList: [
    { unpublishedCollection: { name: 'Utils', pageId: 'Detail', body: "export default {\n  count: 0,\n  total() {\n    return rates.data.map((rate) => rate.value).length\n  },\n  async refresh(times) {\n    await rates.run()\n    this.count = this.count + times\n    showAlert('Done', 'success')\n    return this.total()\n  },\n}" } },
  ],
}

describe('an app of Appsmith', () => {
  it('becomes a document with pages in their order and names that are unique', async () => {
    const { document } = await importAppsmith(exported)
    const made = document as Logic
    expect(Object.values(made.pages).map(({ title }) => title)).toEqual(['Orders', 'Detail'])
    expect(made['home-page']).toBe('Orders')
    const faults = await faultsOf(made)
    expect(faults).toEqual(['Detail.Odd: the kind appsmith-hologram is unknown'])
    expect(made.pages.Orders?.components?.Title?.properties).toMatchObject({ value: 'Orders', style: 'heading' })
    expect(made.pages.Detail?.components?.Title_2?.properties).toMatchObject({ value: '{{Utils_total.value}} of {{state.Utils_count.value}}' })
  })

  it('keeps what stands in containers, tabs and modals', async () => {
    const { document } = await importAppsmith(exported)
    const { layout, components } = document.pages.Orders ?? {}
    expect(layout?.Table1).toMatchObject({ column: 0, width: 24, parent: 'Box' })
    expect(layout?.Name).toMatchObject({ column: 0, width: 11, parent: 'Tabs1', slot: 'Two' })
    expect(components?.Name?.properties).toMatchObject({ label: 'Name', required: true, hidden: '{{ !(Table1.selectedRow.id > 0) }}' })
    expect(layout?.Yes?.parent).toBe('Sure')
    expect(components?.Table1?.events).toEqual([{ on: 'row-select', action: { do: 'navigate', page: 'Detail', parameters: { id: '{{ Table1.selectedRow.id }}' } } }])
  })

  it('binds values of queries as parameters, and leaves secrets out', async () => {
    const { document, report } = await importAppsmith(exported)
    const made = document as Logic
    expect(made.queries?.getOrders).toEqual({ resource: 'orders-db', statement: 'SELECT * FROM orders WHERE name = {{Name.value}}', mode: 'read', run: 'automatic', limits: { 'timeout-ms': 20000, 'max-rows': 10000, 'max-bytes': 16777216 } })
    expect(made.queries?.save).toMatchObject({ mode: 'write', run: 'manual', confirm: 'Run save?' })
    expect(made.queries?.rates?.operation).toEqual({ do: 'request', method: 'POST', path: '/v1/{{Title_2.value}}', headers: [{ name: 'X-A', value: '1' }], body: { as: 'json', json: { of: '{{current_user.email}}' } } })
    expect(JSON.stringify(made)).not.toContain('secret')
    expect(report).toContainEqual(expect.objectContaining({ level: 'missing', node: 'sheet' }))
    expect(report).toContainEqual(expect.objectContaining({ level: 'missing', node: 'Odd' }))
  })

  it('makes scripts, transformers and state of JavaScript objects', async () => {
    const made = (await importAppsmith(exported)).document as Logic
    expect(made.state).toEqual({ Utils_count: { initial: 0 } })
    expect(made.transformers?.Utils_total?.code).toBe('return rates.data.map((rate) => rate.value).length')
    expect(made.scripts?.Utils_refresh?.code).toBe("const { times } = args\nawait rates.run()\n    state.Utils_count.set(state.Utils_count.value + times)\n    notify('Done', 'success')\n    return Utils_total.value")
    expect(made.scripts?.Yes_onClick?.code).toBe('save.run().then(() => Sure.close())')
    for (const { code } of [...Object.values(made.scripts ?? {}), ...Object.values(made.transformers ?? {})]) parseExpression(code)
  })

  it('that is none says so', async () => {
    for (const value of [null, [], {}, { exportedApplication: {}, pageList: [] }]) await expect(importAppsmith(value), JSON.stringify(value)).rejects.toThrow(/export/)
    let deep: object = widget('CONTAINER_WIDGET', 'End', [0, 0, 1, 1])
    for (let depth = 0; depth < 5000; depth += 1) deep = { type: 'CANVAS_WIDGET', children: [deep] }
    await expect(importAppsmith({ dsl: deep })).resolves.toBeDefined()
    await expect(importAppsmith({ dsl: canvas(...Array.from({ length: 1001 }, (_, index) => widget('TEXT_WIDGET', `T${index}`, [0, 0, 1, 1]))) })).rejects.toThrow('more than 1000')
  })
})

const samples = process.env.BULKHEAD_TEST_SAMPLES
// Samples that others wrote are no part of the repository; who has them names their folder.
if (samples) {
  describe('real apps of Appsmith', () => {
    const folder = path.join(samples ?? '', 'appsmith')
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'))

    it('have bindings that can all be translated', () => {
      let count = 0
      const collect = (value: unknown): void => {
        if (typeof value === 'string' && value.includes('{{')) {
          const { text, problems } = translateTemplate(value, around)
          expect(problems.filter((problem) => problem.includes('could not be read')), value).toEqual([])
          count += parseTemplate(text).filter((part) => 'source' in part).length
        } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
      }
      for (const file of files) collect(JSON.parse(readFileSync(path.join(folder, file), 'utf8')))
      expect(count).toBeGreaterThanOrEqual(531)
    })

    it('become documents in which nothing is wrong but kinds that are not there', async () => {
      for (const file of files) {
        const { document, report } = await importAppsmith(JSON.parse(readFileSync(path.join(folder, file), 'utf8')))
        const faults = await faultsOf(document)
        // A page without its queries names some that are elsewhere.
        expect(faults.filter((fault) => !/is unknown|there is no \w+$/.test(fault)), file).toEqual([])
        expect(report.length, file).toBeGreaterThan(0)
      }
    })
  })
}
