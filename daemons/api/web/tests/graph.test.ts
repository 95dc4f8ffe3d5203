import { describe, expect, it } from 'vitest'
import { BindingGraph } from '../src/evaluator/graph'
import type { Model } from '../src/evaluator/protocol'

const model = (templates: Record<string, unknown>, more: Partial<Model> = {}): Model => ({ globals: {}, templates, expressions: {}, exposed: {}, types: {}, transforms: {}, feeds: {}, methods: {}, ...more })

function graphOf(given: Model, state: Record<string, Record<string, unknown>> = {}) {
  const graph = new BindingGraph()
  graph.load(given, state, [], new Set())
  return graph
}

describe('evaluating bindings', () => {
  it('follows dependencies whatever the order they are written in', () => {
    const graph = graphOf(
      model({ 'c.value': '{{ b.value + 1 }}', 'a.value': '{{ input.value }}', 'b.value': '{{ a.value * 2 }}' }, { exposed: { 'a.value': 'a.value', 'b.value': 'b.value' } }),
      { input: { value: 5 } },
    )
    expect(graph.evaluateAll()).toMatchObject({ 'b.value': { value: 10 }, 'c.value': { value: 11 } })
  })

  it('touches only what a change reaches', () => {
    const graph = graphOf(model({ x: '{{ a.value }}', y: '{{ b.value }}', z: '{{ a.other }}' }), { a: { value: 1, other: 1 }, b: { value: 1 } })
    graph.evaluateAll()
    const touched: string[] = []
    const changed = graph.setState('a', { value: 2 }, (id) => touched.push(id))
    expect(touched).toEqual(['x'])
    expect(changed).toEqual({ x: { value: 2 } })
  })

  it('reports a cycle on each binding of it and on no other', () => {
    const exposed = { 'a.value': 'a.value', 'b.value': 'b.value' }
    const values = graphOf(model({ 'a.value': '{{ b.value }}', 'b.value': '{{ a.value }}', other: '{{ 1 }}' }, { exposed })).evaluateAll()
    expect(values['a.value']).toEqual({ error: expect.stringContaining('by way of b.value'), isFault: true })
    expect(values['b.value']).toEqual({ error: expect.stringContaining('by way of a.value'), isFault: true })
    expect(values.other).toEqual({ value: 1 })
  })

  it('takes what a person typed before the default', () => {
    const graph = graphOf(model({ 'search.default-value': 'Ada', shown: '{{ search.value }}' }, { exposed: { 'search.value': 'search.default-value' } }))
    expect(graph.evaluateAll().shown).toEqual({ value: 'Ada' })
    expect(graph.setState('search', { value: 'Grace' }).shown).toEqual({ value: 'Grace' })
  })

  it('shows a default again when what was typed is forgotten', () => {
    const graph = graphOf(model({ 'search.default-value': '{{ who.name }}', shown: '{{ search.value }}' }, { exposed: { 'search.value': 'search.default-value' } }), { who: { name: 'Ada' } })
    graph.evaluateAll()
    graph.setState('search', { value: 'Grace' })
    expect(graph.setState('search', {}, undefined, ['value']).shown).toEqual({ value: 'Ada' })
    expect(graph.setState('who', { name: 'Alan' }).shown).toEqual({ value: 'Alan' })
  })

  it('exposes a default as what its input holds', () => {
    const graph = graphOf(model({ 'amount.default-value': '12.5', sum: '{{ amount.value + 1 }}' }, { exposed: { 'amount.value': 'amount.default-value' }, types: { 'amount.value': 'number' } }))
    expect(graph.evaluateAll().sum).toEqual({ value: 13.5 })
  })

  it('keeps an error where it is thrown', () => {
    const values = graphOf(model({ bad: '{{ missing.value }}', worse: '{{ a + }}', good: 'x {{ 1 + 1 }} y' })).evaluateAll()
    expect(values.bad).toEqual({ error: 'missing is not defined' })
    expect(values.worse).toEqual({ error: expect.stringContaining('Unexpected token'), isFault: true })
    expect(values.good).toEqual({ value: 'x 2 y' })
  })

  it('names rows that the page has already instead of sending them back', () => {
    const rows = [{ id: 1 }]
    expect(graphOf(model({ data: '{{ list.rows }}' }), { list: { rows } }).evaluateAll().data).toEqual({ same: ['list', 'rows'] })
  })

  it('finds a query that would run itself for ever', () => {
    const graph = graphOf(model({}, { expressions: { 'list?list.rows.length': 'list.rows.length' }, feeds: { list: ['list?list.rows.length'] } }), { list: { rows: [] } })
    expect(graph.evaluateAll()['list?list.rows.length']).toEqual({ error: expect.stringContaining('reads itself'), isFault: true })
  })

  it('evaluates 500 bindings within the budget', () => {
    const templates = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`t${index}.value`, `{{ input.value + ${index} }}`]))
    const graph = graphOf(model(templates), { input: { value: 1 } })
    graph.evaluateAll()
    const times = Array.from({ length: 20 }, (_, index) => {
      const start = performance.now()
      graph.setState('input', { value: index + 2 })
      return performance.now() - start
    })
    expect(times.sort((a, b) => a - b)[10]).toBeLessThan(10)
  })
})
