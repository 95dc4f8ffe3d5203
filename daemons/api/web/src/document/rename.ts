/** Rewrites references to a renamed thing, by the syntax tree: a property or a text of the same name stays. */
import { parse } from 'acorn'
import { walk } from '../evaluator/binding'
import { type SourceEdit, applyEdits, mapBindings } from './source-edits'

/** JavaScript with `from` renamed wherever it is read as a variable. A text that cannot be parsed stays as it is. */
export function renameInScript(source: string, from: string, to: string): string {
  const places: { at: number; text: string }[] = []
  try {
    const program = parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true })
    walk(program, (node, parent) => {
      if (node.type !== 'Identifier' || node.name !== from) return
      if (parent?.type === 'MemberExpression' && parent.property === node && !parent.computed) return
      if (parent?.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand) return
      // In `{ from }` the property keeps its name.
      const isShorthand = parent?.type === 'Property' && parent.shorthand
      places.push({ at: node.start, text: isShorthand ? `${from}: ${to}` : to })
    })
  } catch {
    return source
  }
  const once = new Map(places.map((place) => [place.at, place]))
  return [...once.values()].sort((a, b) => b.at - a.at).reduce((text, place) => text.slice(0, place.at) + place.text + text.slice(place.at + from.length), source)
}

/** JavaScript with `object.from` renamed wherever it is read, whether by a dot or by a text in brackets. */
export function renamePropertyInScript(source: string, object: string, from: string, to: string): string {
  const places: SourceEdit[] = []
  try {
    walk(parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true }), (node) => {
      if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier' || node.object.name !== object) return
      const { property } = node
      if (!node.computed && property.type === 'Identifier' && property.name === from) places.push({ start: property.start, end: property.end, text: to })
      if (node.computed && property.type === 'Literal' && property.value === from) places.push({ start: property.start, end: property.end, text: JSON.stringify(to) })
    })
  } catch {
    return source
  }
  return applyEdits(source, places)
}

/** The same for an expression without braces. */
export function renameInExpression(source: string, from: string, to: string, object?: string): string {
  const wrapped = `(${source}\n)`
  return (object === undefined ? renameInScript(wrapped, from, to) : renamePropertyInScript(wrapped, object, from, to)).slice(1, -2)
}

/** The same in every `{{ }}` of a text; of a property where an object is named. */
export function renameInTemplate(text: string, from: string, to: string, object?: string): string {
  const inScript = (source: string) => (object === undefined ? renameInScript(source, from, to) : renamePropertyInScript(source, object, from, to))
  try {
    return mapBindings(text, ({ source, isExpression }) => (isExpression ? renameInExpression(source, from, to, object) : inScript(source)))
  } catch {
    return text
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
