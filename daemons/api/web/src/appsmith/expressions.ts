/**
 * Expressions of Appsmith as ours: names follow what they name, properties what they are called here. Only what is read changes; the
 * rest of the text stays as it was written.
 */
import { type AnyNode, parse } from 'acorn'
import { type SourceEdit, applyEdits, mapBindings } from '../document/source-edits'
import { references, walk } from '../evaluator/binding'

/** What a name of a page means. */
export interface Target {
  /** Our name. */
  name: string
  what: 'widget' | 'query' | 'object'
  /** Of a widget: its type. */
  type?: string
  /** Of a JavaScript object: what each of its members became. */
  members?: Record<string, Member>
}

export type Member = { is: 'script' | 'transformer'; name: string; parameters: string[] } | { is: 'variable'; name: string }

export interface Names {
  targets: ReadonlyMap<string, Target>
  /** Values that `storeValue` keeps: names of state variables by key. */
  stored: Map<string, string>
  /** What a name of `appsmith.store` becomes; it is made when it is asked for. */
  storedName: (key: string) => string
}

export interface Translated {
  text: string
  /** What was not understood, in words. */
  problems: string[]
}

/** Properties by the type of the widget; those that are not here have the same name. */
const properties: Record<string, Record<string, string>> = {
  INPUT_WIDGET: { text: 'value', inputText: 'value' },
  INPUT_WIDGET_V2: { text: 'value', inputText: 'value' },
  CURRENCY_INPUT_WIDGET: { text: 'value' },
  PHONE_INPUT_WIDGET: { text: 'value' },
  RICH_TEXT_EDITOR_WIDGET: { text: 'value' },
  TEXT_WIDGET: { text: 'value' },
  SELECT_WIDGET: { selectedOptionValue: 'value' },
  DROP_DOWN_WIDGET: { selectedOptionValue: 'value', selectedOptionValues: 'value' },
  MULTI_SELECT_WIDGET: { selectedOptionValues: 'value' },
  MULTI_SELECT_WIDGET_V2: { selectedOptionValues: 'value' },
  SINGLE_SELECT_TREE_WIDGET: { selectedOptionValue: 'value' },
  RADIO_GROUP_WIDGET: { selectedOptionValue: 'value' },
  CHECKBOX_WIDGET: { isChecked: 'value' },
  CHECKBOX_GROUP_WIDGET: { selectedValues: 'value' },
  SWITCH_WIDGET: { isSwitchedOn: 'value' },
  DATE_PICKER_WIDGET: { selectedDate: 'value', formattedDate: 'value' },
  DATE_PICKER_WIDGET2: { selectedDate: 'value', formattedDate: 'value' },
  TABLE_WIDGET: { selectedRowIndex: 'selectedIndex', tableData: 'data' },
  TABLE_WIDGET_V2: { selectedRowIndex: 'selectedIndex', tableData: 'data' },
  TABS_WIDGET: { selectedTab: 'value' },
}
/** Read of many widgets, and there under the same name. */
const same = new Set(['value', 'selectedRow', 'selectedIndex', 'data', 'isVisible', 'files', 'label', 'options', 'open', 'close', 'reset', 'setValue'])
const queryProperties: Record<string, string> = { isLoading: 'loading' }
/** Libraries that expressions of Appsmith find without saying so. */
const libraries = new Set(['moment', '_', 'lodash', 'xmlParser', 'forge', 'jsonwebtoken'])

/** A text with bindings. */
export function translateTemplate(text: string, names: Names): Translated {
  const problems: string[] = []
  try {
    const result = mapBindings(text, ({ source, isExpression }) => {
      const written = isExpression ? translateExpression(source, names) : translateScript(source, names)
      problems.push(...written.problems)
      return written.text
    })
    return { text: result, problems }
  } catch (error) {
    // As it stands it would be refused: it is kept as words.
    return { text: text.replaceAll('{{', '{ {'), problems: [`a binding could not be read: ${error instanceof Error ? error.message : String(error)}`] }
  }
}

export function translateExpression(source: string, names: Names): Translated {
  const { text, problems } = translateScript(`(${source}\n)`, names)
  return { text: text.slice(1, -2), problems }
}

/** Statements. In a script, functions of JavaScript objects can be run; an expression only reads. */
export function translateScript(source: string, names: Names, isScript = false): Translated {
  const program = parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true })
  const free = new Set(references(program).map(({ name }) => name))
  const edits: SourceEdit[] = []
  const problems: string[] = []
  walk(program, (node, parent) => {
    if (node.type !== 'Identifier' || !free.has(node.name) || isOnlyAName(node, parent)) return
    const member = parent?.type === 'MemberExpression' && parent.object === node ? parent : undefined
    const property = member && !member.computed && member.property.type === 'Identifier' ? member.property : undefined
    if (node.name === 'appsmith') return void globalEdit(program, member, edits, problems, names)
    if (libraries.has(node.name) && !names.targets.has(node.name)) return void problems.push(`it uses \`${node.name}\`, which expressions do not have here: write it with Date, Intl and Array`)
    if (node.name === 'currentItem' || node.name === 'currentRow' || node.name === 'currentIndex') return void problems.push(`\`${node.name}\` is not there: an item of a list is \`item\` where the list has one`)
    const target = names.targets.get(node.name)
    if (!target) return
    const written = parent?.type === 'Property' && parent.shorthand ? `${node.name}: ${target.name}` : target.name
    if (target.what === 'object') {
      const call = member && parentOf(program, member)
      return void objectEdit({ node, property, call: call?.type === 'CallExpression' && call.callee === member ? call : undefined, target, source, isScript }, edits, problems)
    }
    if (target.name !== node.name) edits.push({ start: node.start, end: node.end, text: written })
    if (!property) return
    const own = target.what === 'query' ? queryProperties[property.name] : properties[target.type ?? '']?.[property.name]
    if (own !== undefined) edits.push({ start: property.start, end: property.end, text: own })
    else if (target.what === 'widget' && !same.has(property.name) && property.name !== 'name') problems.push(`\`${node.name}.${property.name}\` is kept as it is: look whether \`${target.name}\` has it`)
  })
  const unique = new Map(edits.map((edit) => [edit.start, edit]))
  return { text: applyEdits(source, [...unique.values()]), problems: [...new Set(problems)] }
}

function isOnlyAName(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (parent?.type === 'MemberExpression') return parent.property === node && !parent.computed
  return parent?.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand
}

interface ObjectRead {
  node: AnyNode
  property: { name: string; start: number; end: number } | undefined
  /** Where it is called. */
  call: Extract<AnyNode, { type: 'CallExpression' }> | undefined
  target: Target
  source: string
  isScript: boolean
}

/** `Utils.total` and `Utils.total(a, b)`. */
function objectEdit({ node, property, call, target, source, isScript }: ObjectRead, edits: SourceEdit[], problems: string[]): void {
  const found = property && target.members?.[property.name]
  if (!property || !found) return void problems.push(`\`${target.name}${property ? `.${property.name}` : ''}\` of a JavaScript object was not translated`)
  const replace = (end: number, text: string) => edits.push({ start: node.start, end, text })
  if (found.is === 'variable') return void replace(property.end, `state.${found.name}.value`)
  if (found.is === 'transformer') return void replace(call?.end ?? property.end, `${found.name}.value`)
  if (!isScript) {
    problems.push(`\`${target.name}.${property.name}\` does more than compute: the expression reads what the script \`${found.name}\` gave last, so let an event run it`)
    return void replace(call?.end ?? property.end, `${found.name}.data`)
  }
  if (!call) return void replace(property.end, `${found.name}.run`)
  const values = call.arguments.map((argument, index) => `${found.parameters[index] || `value${index + 1}`}: ${source.slice(argument.start, argument.end)}`)
  replace(call.end, `${found.name}.run(${values.length > 0 ? `{ ${values.join(', ')} }` : ''})`)
}

/** `appsmith.URL.queryParams.id`, `appsmith.user.email`, `appsmith.store.cart`. */
function globalEdit(program: AnyNode, member: AnyNode | undefined, edits: SourceEdit[], problems: string[], names: Names): void {
  const chain: AnyNode[] = []
  const path: string[] = []
  for (let at = member; at?.type === 'MemberExpression' && !at.computed && at.property.type === 'Identifier'; at = parentOf(program, at)) {
    if (chain.length > 0 && at.object !== chain.at(-1)) break
    chain.push(at)
    path.push(at.property.name)
  }
  const replace = (depth: number, text: string) => {
    const node = chain[depth - 1]
    if (node) edits.push({ start: chain[0]?.start ?? node.start, end: node.end, text })
  }
  const [area, first, second] = path
  if (area === 'user' && first === 'email') replace(2, 'current_user.email')
  else if (area === 'user' && first === 'username') replace(2, 'current_user.email')
  else if (area === 'user' && first === 'name') replace(2, 'current_user.name')
  else if (area === 'URL' && first === 'queryParams') replace(second === undefined ? 2 : 3, second === undefined ? 'url.parameters' : `url.parameters.${second}`)
  else if (area === 'store' && first !== undefined) replace(2, `state.${names.storedName(first)}.value`)
  else problems.push(`\`appsmith.${path.join('.')}\` is not there`)
}

function parentOf(program: AnyNode, wanted: AnyNode): AnyNode | undefined {
  let found: AnyNode | undefined
  walk(program, (node, parent) => {
    if (node === wanted) found = parent
  })
  return found
}
