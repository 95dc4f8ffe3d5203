/** Rewrites references to a renamed thing, by the syntax tree: a property or a text of the same name stays. */
import { parse } from 'acorn'
import { parseTemplate, walk } from '../evaluator/binding'

/** JavaScript with `from` renamed wherever it is read as a variable. A text that cannot be parsed stays as it is. */
export function renameInScript(source: string, from: string, to: string): string {
  const places: number[] = []
  try {
    const program = parse(source, { ecmaVersion: 2023, allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true })
    walk(program, (node, parent) => {
      if (node.type !== 'Identifier' || node.name !== from) return
      if (parent?.type === 'MemberExpression' && parent.property === node && !parent.computed) return
      if (parent?.type === 'Property' && parent.key === node && !parent.computed && !parent.shorthand) return
      places.push(node.start)
    })
  } catch {
    return source
  }
  return replaceAt(source, [...new Set(places)], from, to)
}

/** The same for an expression without braces. */
export function renameInExpression(source: string, from: string, to: string): string {
  const wrapped = renameInScript(`(${source}\n)`, from, to)
  return wrapped.slice(1, -2)
}

/** The same in every `{{ }}` of a text. */
export function renameInTemplate(text: string, from: string, to: string): string {
  try {
    let result = ''
    let at = 0
    for (const part of parseTemplate(text)) {
      if ('text' in part) {
        result += part.text
        at += part.text.length
        continue
      }
      const start = text.indexOf(part.source, at)
      const end = text.indexOf('}}', start + part.source.length) + 2
      const renamed = part.isExpression ? renameInExpression(part.source, from, to) : renameInScript(part.source, from, to)
      result += text.slice(at, start) + renamed + text.slice(start + part.source.length, end)
      at = end
    }
    return result
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

function replaceAt(source: string, places: number[], from: string, to: string): string {
  return places.sort((a, b) => b - a).reduce((text, at) => text.slice(0, at) + to + text.slice(at + from.length), source)
}
