/** From the text of a binding to something that runs. Used inside the sandboxed worker only: it makes functions of texts. */
import { BindingError, type Expression, type Reference, parseExpression, parseTemplate, references } from './binding'

export type Scope = Record<string, unknown>

export interface Compiled {
  references: Reference[]
  /** Throws what the expression throws. */
  run: (scope: Scope) => unknown
}

/** A scope without a prototype: no component is called `constructor` by accident. */
export function emptyScope(): Scope {
  return Object.create(null) as Scope
}

/** What is seen by a name of which only some see more: that adds to what everybody sees. */
export function seenWith(value: unknown, own: unknown): unknown {
  return value === undefined || own === undefined ? (value ?? own) : { ...value, ...own }
}

/** A text that is one binding has that binding's value; any other text is put together as a string. */
export function compileTemplate(template: unknown): Compiled {
  if (typeof template === 'string') return guarded(() => compileText(template))
  if (Array.isArray(template)) {
    const items = template.map(compileTemplate)
    return { references: items.flatMap((item) => item.references), run: (scope) => items.map((item) => item.run(scope)) }
  }
  if (typeof template === 'object' && template !== null) {
    const entries = Object.entries(template).map(([key, value]) => [key, compileTemplate(value)] as const)
    return {
      references: entries.flatMap(([, value]) => value.references),
      run: (scope) => Object.fromEntries(entries.map(([key, value]) => [key, value.run(scope)])),
    }
  }
  return { references: [], run: () => template }
}

export function compileExpression(source: string): Compiled {
  return guarded(() => compiledExpression(parseExpression(source)))
}

/** Code that is given `data` and `rows` of a query: an expression, or statements with `return`. */
export function compileTransform(code: string, query: string): Compiled {
  return guarded(() => {
    const { source, isExpression } = parseExpression(code)
    const body = isExpression ? `return (${source}\n)` : source
    return compiledExpression(parseExpression(`((data, rows) => {${body}\n})(${query}.raw, ${query}.rows)`))
  })
}

function compileText(text: string): Compiled {
  const parts = parseTemplate(text).map((part) => ('text' in part ? part.text : compiledExpression(part)))
  const first = parts[0]
  if (parts.length === 0) return { references: [], run: () => '' }
  if (parts.length === 1 && typeof first === 'object') return first
  return {
    references: parts.flatMap((part) => (typeof part === 'string' ? [] : part.references)),
    run: (scope) => parts.map((part) => (typeof part === 'string' ? part : asText(part.run(scope)))).join(''),
  }
}

function compiledExpression({ source, program, isExpression }: Expression): Compiled {
  const read = references(program)
  const names = [...new Set(read.map((reference) => reference.name))]
  const body = isExpression ? `return (${source}\n)` : source
  let compiled: { parameters: string[]; call: (...values: unknown[]) => unknown } | undefined
  return {
    references: read,
    run: (scope) => {
      const parameters = names.filter((name) => name in scope)
      // Which names exist changes rarely; then the function is made anew, so that a global is never shadowed by nothing.
      if (!compiled || compiled.parameters.length !== parameters.length || compiled.parameters.some((name, index) => name !== parameters[index])) {
        compiled = { parameters, call: new Function(...parameters, `"use strict";${body}`) as (...values: unknown[]) => unknown }
      }
      const value = compiled.call(...parameters.map((name) => scope[name]))
      if (typeof value === 'function') throw new TypeError(`{{ ${source} }} is a function: call it.`)
      return value
    },
  }
}

export function asText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** A text that cannot be parsed is an error when it is run, not when it is loaded: the rest goes on. */
function guarded(compile: () => Compiled): Compiled {
  try {
    return compile()
  } catch (error) {
    const message = error instanceof BindingError || error instanceof Error ? error.message : String(error)
    return { references: [], run: () => { throw new BindingError(message) } }
  }
}
