/**
 * An app's document as a text that is the same byte for byte whenever it says the same: what export writes and histories compare.
 *
 * Members stand in a fixed order, maps by name, defaults are left out. What a property holds is kept as it is, since the order in it
 * may mean something.
 */
import type { AppDocument } from '../api/types'

type Json = Record<string, unknown>

const orders = {
  document: ['format', 'title', 'home-page', 'theme', 'style', 'translations', 'module', 'modules', 'state', 'pages', 'queries', 'scripts', 'transformers'],
  page: ['title', 'route', 'state', 'events', 'components', 'layout', 'phone-layout'],
  component: ['type', 'class', 'properties', 'events'],
  translations: ['default', 'languages', 'texts'],
  rect: ['column', 'row', 'width', 'height', 'parent', 'slot'],
  query: ['resource', 'statement', 'statements', 'change', 'operation', 'pages', 'mode', 'run', 'when', 'confirm', 'transform', 'delay-ms', 'every-seconds', 'limits', 'cache-seconds', 'refresh', 'on-success', 'on-failure'],
  script: ['code', 'run', 'timeout-ms', 'when', 'confirm', 'delay-ms', 'every-seconds', 'refresh', 'on-success', 'on-failure'],
}

const defaults: Json = { run: 'automatic', mode: 'read', 'cache-seconds': 0 }
/** Members that the server wants, be they empty. */
const kept = new Set(['format', 'title', 'home-page', 'pages', 'module', 'type', 'resource'])

export function canonicalText(document: AppDocument): string {
  return `${JSON.stringify(canonical(document), null, 2)}\n`
}

export function canonical(document: AppDocument): AppDocument {
  const pages = mapped(document.pages, (page) =>
    ordered(page, orders.page, {
      components: (components) => mapped(components, (component) => ordered(component, orders.component, { properties: byName })),
      layout: (layout) => mapped(layout, (rect) => ordered(rect, orders.rect)),
      'phone-layout': (layout) => mapped(layout, (rect) => ordered(rect, orders.rect)),
      state: (state) => mapped(state, (variable) => variable),
    }),
  )
  const queries = mapped(document.queries ?? {}, (query) => ordered(withoutDefaults(query), orders.query))
  const logic = {
    scripts: mapped(document.scripts ?? {}, (script) => ordered(script, orders.script)),
    transformers: mapped(document.transformers ?? {}, (transformer) => transformer),
    state: mapped(document.state ?? {}, (variable) => variable),
    modules: mapped(document.modules ?? {}, (used) => used),
    ...(document.translations ? { translations: ordered(document.translations, orders.translations, { texts: (texts) => mapped(texts, byName) }) } : {}),
  }
  return ordered({ ...document, pages, queries, ...logic } as Json, orders.document) as unknown as AppDocument
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function byName(value: unknown): unknown {
  return isJson(value) ? mapped(value, (item) => item) : value
}

function mapped(value: unknown, each: (item: Json) => unknown): unknown {
  if (!isJson(value)) return value
  return Object.fromEntries(Object.keys(value).sort(compare).map((key) => [key, each(value[key] as Json)]))
}

/** By code units: no language's order. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The members in their order, those that this version does not know behind them by name; empty ones are left out. */
function ordered(value: unknown, order: readonly string[], each: Record<string, (item: unknown) => unknown> = {}): unknown {
  if (!isJson(value)) return value
  const rest = Object.keys(value).filter((key) => !order.includes(key)).sort(compare)
  const entries = [...order, ...rest].flatMap((key): [string, unknown][] => {
    const item = each[key] ? each[key](value[key]) : value[key]
    return kept.has(key) || !isEmpty(item) ? [[key, item]] : []
  })
  return Object.fromEntries(entries)
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0) || (isJson(value) && Object.keys(value).length === 0)
}

function withoutDefaults(query: Json): Json {
  return Object.fromEntries(Object.entries(query).filter(([key, value]) => value !== defaults[key]))
}
