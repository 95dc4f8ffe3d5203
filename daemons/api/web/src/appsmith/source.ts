/** What an export of Appsmith holds, read by types: the file is somebody's, and of any version. */

export type Json = Record<string, unknown>

export interface SourceWidget {
  name: string
  type: string
  /** In columns of the 64 that a canvas has. */
  left: number
  right: number
  /** In rows of 10 pixels. */
  top: number
  bottom: number
  of: Json
  /** What stands in it, by the tab where it has several. */
  children: { slot?: string; widget: SourceWidget }[]
}

export interface SourceQuery {
  name: string
  plugin: string
  datasource: string
  settings: Json
  runsOnLoad: boolean
  confirms: boolean
  timeoutMs: number | undefined
}

export interface SourceObject {
  name: string
  body: string
}

export interface SourcePage {
  name: string
  widgets: SourceWidget[]
  queries: SourceQuery[]
  objects: SourceObject[]
}

export interface Source {
  name: string
  pages: SourcePage[]
}

export class AppsmithError extends Error {}

const maxDepth = 40
export const maxWidgets = 1000

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function textIn(of: Json, key: string): string {
  const value = of[key]
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

function listIn(of: Json, key: string): Json[] {
  const value = of[key]
  return Array.isArray(value) ? value.filter(isJson) : []
}

function numberIn(of: Json, key: string): number {
  const value = Number(of[key])
  return Number.isFinite(value) ? value : 0
}

export function readSource(value: unknown): Source {
  if (!isJson(value)) throw new AppsmithError('This is no export of Appsmith: it is no JSON object.')
  if (isJson(value.dsl)) return { name: 'Imported page', pages: [{ name: 'Page1', widgets: widgetsIn(value.dsl), queries: [], objects: [] }] }
  const application = isJson(value.exportedApplication) ? value.exportedApplication : undefined
  if (!application) throw new AppsmithError('This is no export of Appsmith: `exportedApplication` is missing.')
  const pages = listIn(value, 'pageList').flatMap((entry): SourcePage[] => {
    const page = edited(entry, 'Page')
    if (!page) return []
    const [layout] = listIn(page, 'layouts')
    return [{ name: textIn(page, 'name') || 'Page', widgets: layout && isJson(layout.dsl) ? widgetsIn(layout.dsl) : [], queries: [], objects: [] }]
  })
  if (pages.length === 0) throw new AppsmithError('The export has no page.')
  const pageOf = (name: string) => pages.find((page) => page.name === name) ?? pages[0]
  for (const entry of listIn(value, 'actionList')) {
    const action = edited(entry, 'Action')
    if (action && textIn(entry, 'pluginType') !== 'JS') pageOf(textIn(action, 'pageId'))?.queries.push(queryOf(entry, action))
  }
  for (const entry of listIn(value, 'actionCollectionList')) {
    const collection = edited(entry, 'Collection')
    if (collection) pageOf(textIn(collection, 'pageId'))?.objects.push({ name: textIn(collection, 'name'), body: textIn(collection, 'body') })
  }
  return { name: textIn(application, 'name') || 'Imported app', pages: ordered(pages, value.pageOrder) }
}

/** What was edited last, or else what was published. */
function edited(entry: Json, noun: string): Json | undefined {
  const found = entry[`unpublished${noun}`] ?? entry[`published${noun}`]
  return isJson(found) ? found : undefined
}

function ordered(pages: SourcePage[], order: unknown): SourcePage[] {
  if (!Array.isArray(order)) return pages
  const at = (page: SourcePage) => (order.includes(page.name) ? order.indexOf(page.name) : order.length)
  return [...pages].sort((a, b) => at(a) - at(b))
}

function queryOf(entry: Json, action: Json): SourceQuery {
  const datasource = isJson(action.datasource) ? action.datasource : {}
  const settings = isJson(action.actionConfiguration) ? action.actionConfiguration : {}
  const behaviour = textIn(action, 'runBehaviour')
  return {
    name: textIn(action, 'name'),
    plugin: textIn(entry, 'pluginId') || textIn(datasource, 'pluginId') || textIn(action, 'pluginId'),
    datasource: textIn(datasource, 'name') || textIn(datasource, 'id'),
    settings,
    runsOnLoad: action.executeOnLoad === true || behaviour === 'ON_PAGE_LOAD' || behaviour === 'AUTOMATIC',
    confirms: action.confirmBeforeExecute === true,
    timeoutMs: numberIn(settings, 'timeoutInMillisecond') || undefined,
  }
}

function widgetsIn(canvas: Json): SourceWidget[] {
  const counted = { widgets: 0 }
  return childrenOf(canvas, 0, counted).map(({ widget }) => widget)
}

/** A canvas is no widget of ours: what stands on it stands in what is around it. */
function childrenOf(of: Json, depth: number, counted: { widgets: number }): SourceWidget['children'] {
  if (depth > maxDepth) return []
  return listIn(of, 'children').flatMap((child): SourceWidget['children'] => {
    if (textIn(child, 'type') === 'CANVAS_WIDGET') {
      const slot = textIn(child, 'tabName')
      return childrenOf(child, depth + 1, counted).map(({ widget }) => (slot ? { slot, widget } : { widget }))
    }
    counted.widgets += 1
    if (counted.widgets > maxWidgets) throw new AppsmithError(`The export has more than ${maxWidgets} widgets, which is the most that an app has here.`)
    const widget: SourceWidget = {
      name: textIn(child, 'widgetName'),
      type: textIn(child, 'type'),
      left: numberIn(child, 'leftColumn'),
      right: numberIn(child, 'rightColumn'),
      top: numberIn(child, 'topRow'),
      bottom: numberIn(child, 'bottomRow'),
      of: child,
      children: childrenOf(child, depth + 1, counted),
    }
    return [{ widget }]
  })
}
