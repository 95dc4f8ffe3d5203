/** Rewrites references to a renamed thing, by the syntax tree: a property or a text of the same name stays. */
import { type AnyNode, parse } from 'acorn'
import { walk } from '../evaluator/binding'
import { type SourceEdit, applyEdits, mapBindings } from './source-edits'

/** Names by those that they get instead. */
export type Names = ReadonlyMap<string, string>

/** JavaScript with `from` renamed wherever it is read as a variable. A text that cannot be parsed stays as it is. */
export function renameInScript(source: string, from: string, to: string): string {
  return renameAllInScript(source, new Map([[from, to]]), none)
}

const none: Names = new Map()

/** The same for several names at once, and for state variables, which are read as `state.<name>`. */
export function renameAllInScript(source: string, names: Names, variables: Names): string {
  const places = new Map<number, SourceEdit>()
  try {
    const program = parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true })
    walk(program, (node, parent) => {
      const variable = stateRead(node, variables)
      if (variable) places.set(variable.start, variable)
      const to = node.type === 'Identifier' ? names.get(node.name) : undefined
      if (node.type !== 'Identifier' || to === undefined) return
      if (parent?.type === 'MemberExpression' && parent.property === node && !parent.computed) return
      if (parent?.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand) return
      // In `{ from }` the property keeps its name.
      const isShorthand = parent?.type === 'Property' && parent.shorthand
      places.set(node.start, { start: node.start, end: node.end, text: isShorthand ? `${node.name}: ${to}` : to })
    })
  } catch {
    return source
  }
  return applyEdits(source, [...places.values()])
}

/** Where `state.name` names a variable that is renamed. */
function stateRead(node: AnyNode, variables: Names): SourceEdit | undefined {
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier' || node.object.name !== 'state') return undefined
  const { property } = node
  if (!node.computed && property.type === 'Identifier') {
    const to = variables.get(property.name)
    return to === undefined ? undefined : { start: property.start, end: property.end, text: to }
  }
  const to = node.computed && property.type === 'Literal' ? variables.get(String(property.value)) : undefined
  return to === undefined ? undefined : { start: property.start, end: property.end, text: JSON.stringify(to) }
}

/** The same for an expression without braces. */
export function renameInExpression(source: string, from: string, to: string): string {
  return renameAll(source, 'expression', new Map([[from, to]]), none)
}

/** The same in every `{{ }}` of a text. */
export function renameInTemplate(text: string, from: string, to: string): string {
  return renameAll(text, 'template', new Map([[from, to]]), none)
}

/** A text of the document, whatever it is written as, with all names that it reads or names renamed. */
export function renameAll(text: string, as: 'template' | 'expression' | 'code' | 'name' | 'variable', names: Names, variables: Names): string {
  const inScript = (source: string) => renameAllInScript(source, names, variables)
  const inExpression = (source: string) => inScript(`(${source}\n)`).slice(1, -2)
  switch (as) {
    case 'name':
      return names.get(text) ?? text
    case 'variable':
      return variables.get(text) ?? text
    case 'code':
      return inScript(text)
    case 'expression':
      return inExpression(text)
    case 'template':
      try {
        return mapBindings(text, ({ source, isExpression }) => (isExpression ? inExpression(source) : inScript(source)))
      } catch {
        return text
      }
  }
}

/** Python is not parsed here: a name that stands alone and is no attribute. Names in its strings are rewritten too. */
export function renameInPython(source: string, from: string, to: string): string {
  return source.replace(new RegExp(`(?<![\\w.])${from}(?!\\w)`, 'g'), to)
}

/** `object.from` renamed to `object.to`, in either language. It is looked for as text: in strings it is renamed too. */
export function renameMember(source: string, object: string, from: string, to: string): string {
  return source.replace(new RegExp(`(?<![\\w.$])(${object}\\s*\\??\\.\\s*)${from}(?![\\w$])`, 'g'), `$1${to}`)
}
