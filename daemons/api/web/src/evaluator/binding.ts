/**
 * `{{ expression }}` in a text: where each expression ends, and what it names.
 *
 * The end of an expression cannot be found by a pattern, since JavaScript may itself hold `}}`: the closing braces are
 * moved on until the parser accepts what lies between. The server cuts the same texts with a tokenizer of its own.
 */
import { type AnyNode, type Program, parse } from 'acorn'

export type Part = { text: string } | { source: string; program: Program; isExpression: boolean }
export type Expression = Extract<Part, { source: string }>

export class BindingError extends Error {}

/** Cuts `text` at its bindings. */
export function parseTemplate(text: string): Part[] {
  const parts: Part[] = []
  let from = 0
  for (;;) {
    const open = text.indexOf('{{', from)
    if (open < 0) break
    if (open > from) parts.push({ text: text.slice(from, open) })
    const { expression, end } = closeBinding(text, open)
    parts.push(expression)
    from = end
  }
  if (from < text.length) parts.push({ text: text.slice(from) })
  return parts
}

/** Parses the inside of a binding: an expression, or statements with `return`. */
export function parseExpression(source: string): Expression {
  const trimmed = source.trim()
  if (trimmed === '') throw new BindingError('The binding is empty: write an expression between {{ and }}.')
  // Untrimmed: a comment ends at the line's end, and one that swallows the closing braces must not be accepted.
  const asExpression = tryParse(`(${source})`)
  if (asExpression instanceof Error) {
    const asStatements = tryParse(`{${source}}`)
    if (asStatements instanceof Error) throw new BindingError(`${withoutPlace(asExpression.message)} in {{ ${trimmed} }}`)
    return { source: trimmed, program: asStatements, isExpression: false }
  }
  return { source: trimmed, program: asExpression, isExpression: true }
}

function closeBinding(text: string, open: number): { expression: Expression; end: number } {
  let problem: unknown
  for (let close = text.indexOf('}}', open + 2); close >= 0; close = text.indexOf('}}', close + 1)) {
    try {
      return { expression: parseExpression(text.slice(open + 2, close)), end: close + 2 }
    } catch (error) {
      problem ??= error
    }
  }
  throw problem ?? new BindingError(`The binding that opens at character ${open} is never closed: add }}.`)
}

function tryParse(source: string): Program | Error {
  try {
    return parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Acorn counts lines of a text that the person did not write as such. */
function withoutPlace(message: string): string {
  return message.replace(/ \(\d+:\d+\)$/, '')
}

/** What an expression reads: a name and, where it is plain, the first property read from it. */
export interface Reference {
  name: string
  property?: string
}

/** All names that an expression reads without declaring them. */
export function references(program: Program): Reference[] {
  const found = new Map<string, Reference>()
  const declared = new Set<string>()
  walk(program, (node) => {
    if (node.type === 'VariableDeclarator') patternNames(node.id, declared)
    if (node.type === 'FunctionDeclaration' && node.id) declared.add(node.id.name)
    if (node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression' || node.type === 'FunctionDeclaration') {
      for (const parameter of node.params) patternNames(parameter, declared)
    }
    if (node.type === 'CatchClause' && node.param) patternNames(node.param, declared)
  })
  const add = (reference: Reference) => found.set(`${reference.name}.${reference.property ?? ''}`, reference)
  walk(program, (node, parent) => {
    if (node.type !== 'Identifier' || declared.has(node.name)) return
    if (parent?.type === 'MemberExpression' && parent.property === node && !parent.computed) return
    if (parent?.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand) return
    const member = parent?.type === 'MemberExpression' && parent.object === node ? parent : undefined
    if (member && !member.computed && member.property.type === 'Identifier') {
      add({ name: node.name, property: member.property.name })
    } else if (member?.computed && member.property.type === 'Literal') {
      add({ name: node.name, property: String(member.property.value) })
    } else {
      add({ name: node.name })
    }
  })
  return [...found.values()]
}

type Visitor = (node: AnyNode, parent: AnyNode | undefined) => void

/** Visits every node, parents first. */
export function walk(node: AnyNode, visit: Visitor, parent?: AnyNode): void {
  visit(node, parent)
  for (const child of Object.values(node)) {
    for (const item of Array.isArray(child) ? child : [child]) {
      if (isNode(item)) walk(item, visit, node)
    }
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

function patternNames(pattern: AnyNode, into: Set<string>): void {
  switch (pattern.type) {
    case 'Identifier':
      into.add(pattern.name)
      break
    case 'ObjectPattern':
      for (const property of pattern.properties) patternNames(property.type === 'Property' ? property.value : property, into)
      break
    case 'ArrayPattern':
      for (const element of pattern.elements) if (element) patternNames(element, into)
      break
    case 'AssignmentPattern':
      patternNames(pattern.left, into)
      break
    case 'RestElement':
      patternNames(pattern.argument, into)
      break
  }
}
