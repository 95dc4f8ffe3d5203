/** An app of many components, each with five bindings that follow one input: what speed is measured on. */
import type { AppDocument, Component, GridRect } from '../../src/api/types'

const perRow = 4
const height = 3
/** The input that all bindings read. */
const source = 'follow'

const kinds: ((index: number) => Component)[] = [
  (index) => ({
    type: 'statistic',
    properties: {
      label: `{{ 'Depot ${index}, ' + ${source}.value }}`,
      value: `{{ ${source}.value.length * ${index + 1} }}`,
      trend: `{{ ${source}.value.length / 100 }}`,
      hint: `{{ 'for ' + ${source}.value }}`,
      hidden: `{{ ${source}.value === 'nothing' }}`,
    },
  }),
  (index) => ({
    type: 'progress',
    properties: {
      label: `{{ 'Load ${index}, ' + ${source}.value }}`,
      value: `{{ (${source}.value.length * 7 + ${index}) % 100 }}`,
      max: `{{ ${source}.value ? 100 : 120 }}`,
      tone: `{{ ${source}.value.length > 99 ? 'danger' : 'info' }}`,
      hidden: `{{ ${source}.value === 'nothing' }}`,
    },
  }),
  (index) => ({
    type: 'text-input',
    properties: {
      label: `{{ 'Note ${index}, ' + ${source}.value }}`,
      placeholder: `{{ 'as for ' + ${source}.value }}`,
      hint: `{{ ${source}.value.length + ' characters' }}`,
      disabled: `{{ ${source}.value === 'shut' }}`,
      hidden: `{{ ${source}.value === 'nothing' }}`,
    },
  }),
  (index) => ({
    type: 'tags',
    properties: {
      label: `{{ 'Marks ${index}' }}`,
      items: `{{ [${source}.value, 'parcel ${index}'] }}`,
      tones: `{{ { [${source}.value]: 'success' } }}`,
      'empty-text': `{{ 'none for ' + ${source}.value }}`,
      hidden: `{{ ${source}.value === 'nothing' }}`,
    },
  }),
]

export function largeApp(count: number): AppDocument {
  const components: Record<string, Component> = { [source]: { type: 'text-input', properties: { label: 'Follow', 'default-value': 'start' } } }
  const layout: Record<string, GridRect> = { [source]: { column: 0, row: 0, width: 24, height: 2 } }
  for (let index = 0; index < count; index += 1) {
    const name = `part${index}`
    const component = kinds[index % kinds.length]?.(index)
    if (!component) continue
    components[name] = component
    layout[name] = { column: (index % perRow) * 6, row: 2 + Math.floor(index / perRow) * height, width: 6, height }
  }
  return {
    format: 1,
    title: 'Many',
    'home-page': 'home',
    pages: { home: { components, layout } },
    scripts: { note: { code: `// what is typed here must not wait for the app\nreturn ${source}.value\n` } },
  }
}
