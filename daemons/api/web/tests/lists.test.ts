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

function running(evaluateEach: (templates: Record<string, unknown>, locals: Record<string, unknown>[]) => Record<string, Outcome>[] | undefined) {
  const state: State = { shown: { 'list.data': { value: [{ name: 'a' }, { name: 'b' }] } }, components: {} }
  const lists = new Lists({
    page: () => page,
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
  expect(lists.placeOf('total[1]')).toEqual({ list: 'list', index: 1, item: { name: 'b' } })
  expect([lists.instances('pieces'), lists.instances('list'), lists.placeOf('list')]).toEqual([['pieces[0]', 'pieces[1]'], ['list'], undefined])
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
