/** What a widget of Appsmith does on an event: a few known calls become actions, anything else a script. */
import { type AnyNode, parse } from 'acorn'
import { type SourceEdit, applyEdits } from '../document/source-edits'
import { walk } from '../evaluator/binding'
import { type Names, translateExpression, translateScript } from './expressions'

/** An action of ours; its `do` may be one that this file writes and an older server refuses. */
export type MadeAction = { do: string } & Record<string, unknown>

export interface MadeEvent {
  actions: MadeAction[]
  /** The body of a script, where actions do not suffice. */
  script?: string
  problems: string[]
}

/** What is around the event. */
export interface Around extends Names {
  /** The modal that it stands in. */
  modal: string | undefined
  pages: ReadonlyMap<string, string>
}

const alertTones: Record<string, string> = { success: 'success', warning: 'warning', error: 'error', info: 'info' }

/** `{{showAlert('Hi'); q.run()}}`. */
export function translateTrigger(text: string, around: Around): MadeEvent {
  const source = /^\s*\{\{([\s\S]*)\}\}\s*$/.exec(text)?.[1]?.trim().replace(/;+$/, '') ?? ''
  if (source === '') return { actions: [], problems: [] }
  let body: AnyNode[]
  try {
    body = statementsOf(parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true }).body)
  } catch (error) {
    return { actions: [], problems: [`its event could not be read: ${error instanceof Error ? error.message : String(error)}`] }
  }
  const problems: string[] = []
  const actions = body.map((node) => actionOf(node, source, around, problems))
  if (actions.every((action) => action !== undefined)) return { actions: actions.filter((action) => action !== undefined), problems }
  const script = scriptOf(source, around)
  return { actions: [], script: script.text, problems: script.problems }
}

/** The single steps: `a(); b()`, `() => { a(); b() }`, `(a(), b())`. */
function statementsOf(nodes: readonly AnyNode[]): AnyNode[] {
  return nodes.flatMap((node): AnyNode[] => {
    if (node.type === 'ExpressionStatement') return statementsOf([node.expression])
    if (node.type === 'SequenceExpression') return statementsOf(node.expressions)
    if (node.type === 'AwaitExpression') return statementsOf([node.argument])
    if (node.type === 'ArrowFunctionExpression' && node.params.length === 0) return node.body.type === 'BlockStatement' ? statementsOf(node.body.body) : statementsOf([node.body])
    if (node.type === 'EmptyStatement') return []
    return [node]
  })
}

function textOf(node: AnyNode | undefined): string | undefined {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}

/** An argument as a text with bindings. */
function templateOf(node: AnyNode | undefined, source: string, names: Names, problems: string[]): string {
  if (!node) return ''
  const literal = node.type === 'Literal' ? node.value : undefined
  if (typeof literal === 'string' && !literal.includes('{{')) return literal
  const { text, problems: found } = translateExpression(source.slice(node.start, node.end), names)
  problems.push(...found)
  return `{{ ${text} }}`
}

/** `Modal1.name`, `'Modal1'`: the widget that is meant. */
function widgetOf(node: AnyNode | undefined, names: Names): string | undefined {
  const name = textOf(node) ?? (node?.type === 'MemberExpression' && node.object.type === 'Identifier' ? node.object.name : node?.type === 'Identifier' ? node.name : undefined)
  const target = name === undefined ? undefined : names.targets.get(name)
  return target?.what === 'widget' ? target.name : undefined
}

function actionOf(node: AnyNode, source: string, around: Around, problems: string[]): MadeAction | undefined {
  if (node.type !== 'CallExpression') return undefined
  const { callee } = node
  const given = node.arguments
  const template = (at: number) => templateOf(given[at], source, around, problems)
  if (callee.type === 'MemberExpression' && callee.object.type === 'Identifier' && callee.property.type === 'Identifier') {
    const target = around.targets.get(callee.object.name)
    if (target?.what === 'query' && callee.property.name === 'run' && given.length === 0) return { do: 'run-query', query: target.name }
    const member = target?.what === 'object' ? target.members?.[callee.property.name] : undefined
    if (member?.is === 'script' && given.length === 0) return { do: 'run-query', query: member.name }
    return undefined
  }
  if (callee.type !== 'Identifier') return undefined
  switch (callee.name) {
    case 'showModal':
    case 'closeModal': {
      const component = given.length === 0 ? around.modal : widgetOf(given[0], around)
      return component === undefined ? undefined : { do: callee.name === 'showModal' ? 'open' : 'close', component }
    }
    case 'resetWidget': {
      const component = widgetOf(given[0], around)
      return component === undefined ? undefined : { do: 'reset', component }
    }
    case 'showAlert': {
      const tone = alertTones[textOf(given[1]) ?? 'info'] ?? 'info'
      return { do: 'notify', message: template(0), ...(tone === 'info' ? {} : { tone }) }
    }
    case 'navigateTo': {
      const to = textOf(given[0])
      const page = to === undefined ? undefined : around.pages.get(to)
      if (page !== undefined) return given.length > 1 && given[1]?.type !== 'ObjectExpression' ? undefined : { do: 'navigate', page, ...parametersOf(given[1], source, around, problems) }
      return to === undefined || /^https?:/.test(to) ? { do: 'open-url', url: template(0) } : undefined
    }
    case 'storeValue': {
      const key = textOf(given[0])
      return key === undefined ? undefined : { do: 'set-state', variable: around.storedName(key), value: template(1) }
    }
    case 'copyToClipboard':
      return { do: 'copy', value: template(0) }
    case 'download':
      return { do: 'download', value: template(0), 'file-name': template(1) || 'download.txt' }
  }
  return undefined
}

function parametersOf(node: AnyNode | undefined, source: string, names: Names, problems: string[]): { parameters?: Record<string, string> } {
  if (node?.type !== 'ObjectExpression') return {}
  const parameters: Record<string, string> = {}
  for (const property of node.properties) {
    if (property.type !== 'Property') continue
    const key = property.key.type === 'Identifier' ? property.key.name : textOf(property.key)
    if (key !== undefined && /^[A-Za-z][A-Za-z0-9_]*$/.test(key)) parameters[key] = templateOf(property.value, source, names, problems)
  }
  return Object.keys(parameters).length > 0 ? { parameters } : {}
}

/** Statements of Appsmith as a script of ours: its global functions become methods and what every script may call. */
export function scriptOf(source: string, around: Around): { text: string; problems: string[] } {
  const problems: string[] = []
  let text = source
  try {
    const edits: SourceEdit[] = []
    walk(parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true }), (node) => {
      if (node.type !== 'CallExpression') return
      if (runsWithCallbacks(node, around)) return void edits.push({ start: node.callee.end, end: node.callee.end, text: '().then' })
      if (node.callee.type !== 'Identifier') return
      const called = calledAs(node.callee.name, node.arguments, source, around, problems)
      if (called === undefined) return
      const first = node.arguments[0]
      // The name of a modal or widget becomes the one whose method is called, and is no argument any more.
      if (called.dropsFirst) edits.push({ start: node.callee.start, end: node.end, text: called.text })
      else if (first || node.arguments.length === 0) edits.push({ start: node.callee.start, end: node.callee.end, text: called.text })
    })
    text = applyEdits(source, edits)
    const translated = translateScript(text, around, true)
    return { text: translated.text, problems: [...problems, ...translated.problems] }
  } catch (error) {
    return { text: `// ${text.replaceAll('\n', '\n// ')}`, problems: [`a script could not be read and is kept as a comment: ${error instanceof Error ? error.message : String(error)}`] }
  }
}

/** `query.run(() => done(), () => failed())`. */
function runsWithCallbacks(node: AnyNode & { type: 'CallExpression' }, names: Names): boolean {
  const { callee, arguments: given } = node
  if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier' || callee.property.type !== 'Identifier' || callee.property.name !== 'run') return false
  return names.targets.get(callee.object.name)?.what === 'query' && /Function/.test(given[0]?.type ?? '')
}

function calledAs(name: string, given: readonly AnyNode[], source: string, around: Around, problems: string[]): { text: string; dropsFirst?: true } | undefined {
  switch (name) {
    case 'showAlert':
      return { text: 'notify' }
    case 'navigateTo': {
      const to = textOf(given[0])
      const page = to === undefined ? undefined : around.pages.get(to)
      return page === undefined ? { text: 'utils.openUrl' } : { text: `navigate(${[JSON.stringify(page), ...given.slice(1, 2).map((node) => source.slice(node.start, node.end))].join(', ')})`, dropsFirst: true }
    }
    case 'copyToClipboard':
      return { text: 'utils.copy' }
    case 'download':
      return { text: 'utils.download' }
    case 'showModal':
    case 'closeModal':
    case 'resetWidget': {
      const component = given.length === 0 ? around.modal : widgetOf(given[0], around)
      const method = { showModal: 'open', closeModal: 'close', resetWidget: 'reset' }[name]
      if (component !== undefined) return { text: `${component}.${method}()`, dropsFirst: true }
      problems.push(`\`${name}\` names no widget of this page`)
      return undefined
    }
    case 'storeValue': {
      const key = textOf(given[0])
      const value = given[1]
      if (key !== undefined) return { text: `state.${around.storedName(key)}.set(${value ? source.slice(value.start, value.end) : 'undefined'})`, dropsFirst: true }
      problems.push('`storeValue` with a computed key was not translated')
      return undefined
    }
    case 'removeValue':
    case 'clearStore':
    case 'setInterval':
    case 'clearInterval':
    case 'postWindowMessage':
      problems.push(`\`${name}\` is not there`)
  }
  return undefined
}
