/** JavaScript objects of Appsmith: their functions become scripts or transformers, their variables state. */
import { type AnyNode, parse } from 'acorn'
import { type SourceEdit, applyEdits } from '../document/source-edits'
import { walk } from '../evaluator/binding'
import { type Around, scriptOf } from './actions'
import type { Member } from './expressions'
import type { SourceObject } from './source'

interface ReadMember {
  key: string
  /** The text of what is between the braces, or of the value. */
  text: string
  parameters: string[]
  isFunction: boolean
}

/** The members of `export default { ... }`. */
export function membersOf(object: SourceObject): ReadMember[] {
  const source = object.body.replace(/^\s*export\s+default\s*/, '')
  const wrapped = `(${source.trim().replace(/;\s*$/, '')}\n)`
  const [statement] = parse(wrapped, { ecmaVersion: 2023 }).body
  const expression = statement?.type === 'ExpressionStatement' ? statement.expression : undefined
  if (expression?.type !== 'ObjectExpression') throw new Error('it is no object')
  return expression.properties.flatMap((property): ReadMember[] => {
    if (property.type !== 'Property' || property.computed) return []
    const key = property.key.type === 'Identifier' ? property.key.name : property.key.type === 'Literal' ? String(property.key.value) : ''
    const { value } = property
    if (value.type !== 'FunctionExpression' && value.type !== 'ArrowFunctionExpression') return [{ key, text: wrapped.slice(value.start, value.end), parameters: [], isFunction: false }]
    const { body } = value
    const text = body.type === 'BlockStatement' ? wrapped.slice(body.start + 1, body.end - 1) : `return ${wrapped.slice(body.start, body.end)}`
    return [{ key, text: text.trim(), parameters: value.params.map((parameter) => (parameter.type === 'Identifier' ? parameter.name : parameter.type === 'AssignmentPattern' && parameter.left.type === 'Identifier' ? parameter.left.name : '')), isFunction: true }]
  })
}

/** What each member becomes: a function without parameters that only computes can be read as a value. */
export function memberKinds(members: readonly ReadMember[], nameOf: (key: string) => string): Record<string, Member> {
  return Object.fromEntries(
    members.map(({ key, text, parameters, isFunction }): [string, Member] => {
      if (!isFunction) return [key, { is: 'variable', name: nameOf(key) }]
      return [key, { is: parameters.length === 0 && isPure(text) ? 'transformer' : 'script', name: nameOf(key), parameters }]
    }),
  )
}

const acting = /\b(run|await|showAlert|navigateTo|storeValue|showModal|closeModal|resetWidget|download|copyToClipboard|removeValue|clearStore|fetch|setInterval)\b|\bthis\s*\.\s*\w+\s*(=[^=]|\+\+|--)/

function isPure(text: string): boolean {
  return /\breturn\b/.test(text) && !acting.test(text)
}

/** The body of a function, with its parameters read from `args` and `this` as what the object became. */
export function memberBody(member: ReadMember, members: Record<string, Member>, around: Around): { text: string; problems: string[] } {
  const problems: string[] = []
  let { text } = member
  try {
    const edits: SourceEdit[] = []
    walk(parse(text, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true }), (node, parent) => {
      if (node.type !== 'MemberExpression' || node.object.type !== 'ThisExpression' || node.computed || node.property.type !== 'Identifier') return
      const found = members[node.property.name]
      if (!found) return void problems.push(`\`this.${node.property.name}\` is not there`)
      thisEdit(node, parent, found, text, edits)
    })
    text = applyEdits(text, edits)
  } catch (error) {
    return { text: `// ${text.replaceAll('\n', '\n// ')}`, problems: [`it could not be read and is kept as a comment: ${error instanceof Error ? error.message : String(error)}`] }
  }
  const script = scriptOf(text, around)
  const read = member.parameters.filter(Boolean)
  return { text: read.length > 0 ? `const { ${read.join(', ')} } = args\n${script.text}` : script.text, problems: [...problems, ...script.problems] }
}

function thisEdit(node: AnyNode, parent: AnyNode | undefined, found: Member, text: string, edits: SourceEdit[]): void {
  if (found.is === 'variable') {
    // `this.count = 1` sets the state.
    if (parent?.type === 'AssignmentExpression' && parent.left === node && parent.operator === '=') {
      edits.push({ start: parent.start, end: parent.right.start, text: `state.${found.name}.set(` }, { start: parent.right.end, end: parent.right.end, text: ')' })
    } else edits.push({ start: node.start, end: node.end, text: `state.${found.name}.value` })
    return
  }
  if (found.is === 'transformer') {
    edits.push({ start: node.start, end: parent?.type === 'CallExpression' && parent.callee === node ? parent.end : node.end, text: `${found.name}.value` })
    return
  }
  if (parent?.type === 'CallExpression' && parent.callee === node) {
    const values = parent.arguments.map((argument, index) => `${found.parameters[index] ?? `value${index + 1}`}: ${text.slice(argument.start, argument.end)}`)
    edits.push({ start: node.start, end: parent.end, text: `${found.name}.run(${values.length > 0 ? `{ ${values.join(', ')} }` : ''})` })
  } else edits.push({ start: node.start, end: node.end, text: `${found.name}.run` })
}
