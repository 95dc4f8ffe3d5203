import { expect, it } from 'vitest'
import type { Page } from '../src/api/types'
import type { Outcome } from '../src/evaluator/protocol'
import { BindingGraph } from '../src/evaluator/graph'
import { Lists } from '../src/runtime/lists'

const at = (row: number, parent?: string) => ({ column: 0, row, width: 4, height: 1, ...(parent ? { parent } : {}) })
const page: Page = {
  components: { list: { type: 'list' }, pieces: { type: 'number-input', properties: { 'default-value': '{{ index + 1 }}' } }, total: { type: 'text', properties: { value: '{{ item.name }}: {{ pieces.value * 2 }}' } } },
  layout: { list: at(0), pieces: at(0, 'list'), total: at(1, 'list') },
}

type State = { shown: Record<string, { value: unknown } | { error: string }>; components: Record<string, Record<string, unknown>> }

function running(evaluateEach: (templates: Record<string, unknown>, locals: Record<string, unknown>[]) => Record<string, Outcome>[] | undefined, shownPage = page, data: unknown = [{ name: 'a' }, { name: 'b' }]) {
  const state: State = { shown: { 'list.data': { value: data } }, components: {} }
  const lists = new Lists({
    page: () => shownPage,
    state: () => state,
    evaluateEach: (templates, locals) => Promise.resolve(evaluateEach(templates, locals)),
    show: (shown) => Object.assign(state.shown, shown),
    setComponent: (name, values) => {
      state.components[name] = { ...state.components[name], ...values }
      lists.refresh()
    },
  })
  return { state, lists }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

it('evaluates components for each item, also what reads another one in it', async () => {
  const graph = new BindingGraph()
  const { state, lists } = running((templates, locals) => graph.evaluateEach(templates, locals))
  lists.refresh()
  await settled()
  expect(state.components.list?.values).toEqual([{ pieces: 1 }, { pieces: 2 }])
  expect(state.shown['total[1].value']).toEqual({ value: 'b: 4' })
  state.components['pieces[0]'] = { value: 5 }
  lists.refresh()
  await settled()
  expect(state.components.list?.values).toEqual([{ pieces: 5 }, { pieces: 2 }])
  expect(state.shown['total[0].value']).toEqual({ value: 'a: 10' })
  expect(lists.placesOf('total[1]')).toEqual([{ list: 'list', index: 1, item: { name: 'b' } }])
  expect([lists.instances('pieces'), lists.instances('list'), lists.placesOf('list')]).toEqual([['pieces[0]', 'pieces[1]'], ['list'], []])
})

it('gives up on texts that run without end, and says so', async () => {
  let asked = 0
  const { state, lists } = running(() => {
    asked += 1
    return undefined
  })
  for (let go = 0; go < 5; go += 1) {
    lists.refresh()
    await settled()
  }
  expect(asked).toBe(2)
  expect(state.shown['total[0].value']).toMatchObject({ error: expect.stringContaining('endless loop') as string })
})

it('evaluates lists in lists, which see the items around them and give their values to them', async () => {
  const nested: Page = {
    components: {
      list: { type: 'list' },
      factor: { type: 'number-input', properties: { 'default-value': '{{ index + 1 }}' } },
      lines: { type: 'list', properties: { data: '{{ item.lines }}' } },
      amount: { type: 'number-input', properties: { 'default-value': '{{ item * factor.value }}' } },
      shown: { type: 'text', properties: { value: '{{ parent.item.name }}{{ parent.index }}.{{ index }}: {{ amount.value }}' } },
      sum: { type: 'text', properties: { value: '{{ lines.values.map((line) => line.amount).join() }}' } },
      deep: { type: 'list', properties: { data: '{{ [item] }}' } },
      deepest: { type: 'text', properties: { value: '{{ parent.parent.item.name }} {{ item }}' } },
    },
    layout: { list: at(0), factor: at(0, 'list'), lines: at(1, 'list'), sum: at(2, 'list'), amount: at(0, 'lines'), shown: at(1, 'lines'), deep: at(2, 'lines'), deepest: at(0, 'deep') },
  }
  const graph = new BindingGraph()
  const { state, lists } = running((templates, locals) => graph.evaluateEach(templates, locals), nested, [{ name: 'a', lines: [10, 20] }, { name: 'b', lines: [30] }, { name: 'c' }])
  lists.refresh()
  await settled()
  expect(state.components.list?.values).toEqual([
    { factor: 1, lines: [{ amount: 10, deep: [{}] }, { amount: 20, deep: [{}] }] },
    { factor: 2, lines: [{ amount: 60, deep: [{}] }] },
    { factor: 3, lines: [] },
  ])
  expect(state.shown['shown[0][1].value']).toEqual({ value: 'a0.1: 20' })
  expect(state.shown['sum[0].value']).toEqual({ value: '10,20' })
  expect(state.shown['deepest[1][0][0].value']).toEqual({ value: 'b 30' })
  state.components['amount[0][0]'] = { value: 5 }
  lists.refresh()
  await settled()
  expect([state.shown['shown[0][0].value'], state.shown['sum[0].value'], state.shown['sum[1].value']]).toEqual([{ value: 'a0.0: 5' }, { value: '5,20' }, { value: '60' }])
  expect(lists.instances('amount')).toEqual(['amount[0][0]', 'amount[0][1]', 'amount[1][0]'])
  expect(lists.instances('amount', '[0]')).toEqual(['amount[0][0]', 'amount[0][1]'])
  expect(lists.placesOf('shown[1][0]')).toEqual([{ list: 'list', index: 1, item: { name: 'b', lines: [30] } }, { list: 'lines[1]', index: 0, item: 30 }])
})

it('gives modules in items what they are given there, and their outputs to what stands beside them', async () => {
  const cards: Page = {
    components: {
      list: { type: 'list' },
      card: { type: 'module', properties: { customer: '{{ item }}', typed: '{{ card__name.value.toUpperCase() }}' } },
      card__name: { type: 'text-input', properties: { 'default-value': '{{ card.customer.name }}' } },
      beside: { type: 'text', properties: { value: '{{ card.typed }} {{ index }}' } },
    },
    layout: { list: at(0), card: at(0, 'list'), card__name: at(0, 'card'), beside: at(3, 'list') },
  }
  const graph = new BindingGraph()
  const { state, lists } = running((templates, locals) => graph.evaluateEach(templates, locals), cards)
  lists.refresh()
  await settled()
  expect([state.shown['beside[0].value'], state.shown['beside[1].value']]).toEqual([{ value: 'A 0' }, { value: 'B 1' }])
  state.components['card__name[1]'] = { value: 'new' }
  lists.refresh()
  await settled()
  expect(state.shown['beside[1].value']).toEqual({ value: 'NEW 1' })
})
