/** What actions of events, and calls of scripts, do. It arrives with the first of them. */
import { safeHref } from '../components/href'
import type { Action } from '../api/types'
import { addressText, parameterTexts } from './address'
import { saveFile } from '../ui/save-file'
import { t } from '../messages/messages'
import { csvOf } from './csv'
import type { NotifyTone } from './host'
import type { Within } from './lists'
import { methodTable } from './methods'
import type { AppRuntime } from './runtime'

export interface Context {
  /** How many actions led here, one after the other. */
  chain: number
  /** What only these texts see: `args`, `event`. */
  locals: Record<string, unknown>
  /** The item of a list that it is about. */
  within?: Within | undefined
}

/** Performs an action; false when it did not work, which has been said then. */
export async function perform(runtime: AppRuntime, action: Action, context: Context): Promise<boolean> {
  const given = await runtime.evaluated(textsOf(action), context.locals)
  if (!given) return false
  const value = (key: string) => given[key]
  const text = (key: string) => asText(given[key])
  switch (action.do) {
    case 'run-query':
      return runtime.runQuery(action.query, { chain: context.chain, args: objectOf(value('arguments')), within: context.within })
    case 'set-value':
      return call(runtime, action.component, 'setValue', [value('value')], context.within)
    case 'reset':
    case 'open':
    case 'close':
      return call(runtime, action.component, action.do, [], context.within)
    case 'call':
      return call(runtime, action.component, action.method, listOf(value('arguments')), context.within)
    case 'set-state':
      runtime.setVariable(action.variable, value('value') ?? null)
      return true
    case 'set-local-storage':
      return runtime.keep(action.key, value('value'))
    case 'set-url':
      runtime.setUrl(objectOf(value('parameters')), given['hash'] === undefined ? undefined : text('hash'))
      return true
    case 'navigate':
      runtime.navigate(action.page, parameterTexts(objectOf(value('parameters'))))
      return true
    case 'open-app':
      openApp(action.app, action.page ?? undefined, objectOf(value('parameters')), action['new-tab'] ?? false)
      return true
    case 'open-url':
      return openUrl(runtime, text('url'))
    case 'notify':
      runtime.host.notify(text('message'), action.tone ?? 'info', action['duration-ms'] ?? undefined)
      return true
    case 'copy':
      return copy(runtime, value('value'))
    case 'download':
      return download(runtime, value('value'), text('file-name'), action.format ?? 'text')
    case 'run-workflow':
      await runtime.host.runWorkflow(action.workflow, value('body') ?? null)
      return true
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, action.ms))
      return true
  }
}

/** What a script calls. It throws where an action would show a message: the script may catch it. */
export async function called(runtime: AppRuntime, name: string, method: string, given: unknown[], context: Context): Promise<unknown> {
  const [first, second, third] = given
  if (name === '') return calledUtility(runtime, method, given)
  if (name === 'state') {
    if (method === 'set') runtime.setVariable(asText(first), second ?? null)
    else runtime.resetVariable(asText(first))
    return undefined
  }
  if (name === 'localStorage') {
    const problem = runtime.keptProblem(asText(first), method === 'set' ? second : null)
    if (problem !== undefined) throw new Error(problem)
    return undefined
  }
  if (name === 'url') {
    runtime.setUrl(objectOf(first), second === undefined ? undefined : asText(second))
    return undefined
  }
  if (runtime.isQuery(name)) {
    if (method === 'clear') return runtime.clearQuery(name)
    if (!(await runtime.runQuery(name, { chain: context.chain, args: objectOf(first), within: context.within, isQuiet: true }))) {
      throw new Error(runtime.store.getState().queries[name]?.message ?? `${name} was not run.`)
    }
    return undefined
  }
  return callMethod(runtime, name, method, [first, second, third, ...given.slice(3)], context.within)
}

async function calledUtility(runtime: AppRuntime, method: string, given: unknown[]): Promise<unknown> {
  const [first, second, third] = given
  const options = objectOf(second)
  switch (method) {
    case 'notify':
      runtime.host.notify(asText(first), toneOf(options['tone'] ?? second), typeof options['duration'] === 'number' ? options['duration'] : undefined)
      return undefined
    case 'navigate':
      if (!runtime.hasPage(asText(first))) throw new Error(`there is no page ${asText(first)}`)
      runtime.navigate(asText(first), parameterTexts(options))
      return undefined
    case 'openApp':
      openApp(asText(first), typeof second === 'string' ? second : undefined, objectOf(third ?? second), false)
      return undefined
    case 'openUrl':
      if (!openUrl(runtime, asText(first))) throw new Error('the address cannot be opened')
      return undefined
    case 'copy':
      return copy(runtime, first)
    case 'download': {
      const format = asText(third)
      return download(runtime, first, asText(second) || 'data.txt', format === 'csv' || format === 'json' ? format : 'text')
    }
    case 'runWorkflow':
      await runtime.host.runWorkflow(asText(first), second ?? null)
      return undefined
    default:
      throw new Error(`there is no ${method}()`)
  }
}

async function call(runtime: AppRuntime, component: string, method: string, given: unknown[], within: Within | undefined): Promise<boolean> {
  try {
    await callMethod(runtime, component, method, given, within)
    return true
  } catch (error) {
    runtime.host.notify(`${component}.${method}: ${error instanceof Error ? error.message : String(error)}`, 'error')
    return false
  }
}

async function callMethod(runtime: AppRuntime, name: string, method: string, given: unknown[], within: Within | undefined): Promise<unknown> {
  const component = runtime.componentOf(name)
  if (!component) throw new Error(`${name} is not on this page`)
  const table = methodTable(component.type)
  const found = Object.hasOwn(table, method) ? table[method] : undefined
  if (!found) throw new Error(`a ${component.type} cannot do that: it has ${Object.keys(table).join(', ')}`)
  return found.run(runtime.handle(name, within), ...given)
}

/** The texts of an action whose values it needs, by the member that holds them. */
function textsOf(action: Action): Record<string, unknown> {
  const texts: Record<string, unknown> = {}
  for (const key of ['value', 'arguments', 'parameters', 'hash', 'url', 'message', 'file-name', 'body'] as const) {
    if (key in action) texts[key] = (action as Record<string, unknown>)[key]
  }
  return texts
}

function openUrl(runtime: AppRuntime, address: string): boolean {
  const href = safeHref(address)
  if (href === undefined || !/^(https?|mailto):/i.test(href)) {
    runtime.host.notify(t('“{address}” cannot be opened: an address begins with https:, http: or mailto:.', { address: address.slice(0, 80) }), 'error')
    return false
  }
  // A message opens no tab of its own.
  if (/^mailto:/i.test(href)) location.assign(href)
  else window.open(href, '_blank', 'noopener,noreferrer')
  return true
}

function openApp(app: string, page: string | undefined, parameters: Record<string, unknown>, isNewTab: boolean): void {
  if (!/^[a-z0-9-]+$/.test(app)) return
  // What routes the other app has is not known here: it finds a page by its name, too.
  const address = `/apps/${app}${addressText({}, '', { page: page ?? '', parameters: parameterTexts(parameters), hash: '' })}`
  if (isNewTab) window.open(address, '_blank', 'noopener')
  else location.assign(address)
}

async function copy(runtime: AppRuntime, value: unknown): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(asText(value))
    return true
  } catch {
    runtime.host.notify(t('The browser did not let the app copy: allow it to use the clipboard.'), 'error')
    return false
  }
}

const mediaTypes = { text: 'text/plain', csv: 'text/csv', json: 'application/json' } as const

function download(runtime: AppRuntime, value: unknown, fileName: string, format: keyof typeof mediaTypes): boolean {
  const text = format === 'csv' ? csvOf(value) : format === 'json' ? JSON.stringify(value ?? null, null, 2) : asText(value)
  if (text === undefined) {
    runtime.host.notify('Only a list of rows becomes a CSV file.', 'error')
    return false
  }
  // Control characters and separators of paths are no part of a name.
  saveFile(fileName.replace(/[\p{Cc}/\\:*?"<>|]/gu, '_').slice(0, 200) || 'data.txt', text, mediaTypes[format])
  return true
}

function toneOf(tone: unknown): NotifyTone {
  return tone === 'success' || tone === 'warning' || tone === 'error' ? tone : 'info'
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
