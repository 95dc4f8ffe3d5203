/**
 * Scripts: JavaScript that sees what expressions see, and asks the page to do things. Runs inside the sandboxed worker only.
 *
 * What it is given are handles: reading one gives the value as it is now, and calling one of its methods asks the page.
 */
import { parseExpression, references } from './binding'
import { type Scope, seenWith } from './compile'

export interface ScriptHost {
  /** What expressions see now. */
  scope: () => Scope
  /** The methods of a name: `run` of a query, `setValue` of an input. */
  methodsOf: (name: string) => readonly string[]
  call: (name: string, method: string, parameters: unknown[]) => Promise<unknown>
  /** Shows the script itself, at once, what it has set. */
  setState: (variable: string, value: unknown) => void
  log: (values: unknown[]) => void
}

type AsyncFunctionMaker = new (...texts: string[]) => (...values: unknown[]) => Promise<unknown>
const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as AsyncFunctionMaker

/** What every script may call. */
const utilities = ['copy', 'download', 'openApp', 'openUrl', 'runWorkflow'] as const

/** Runs a script; its value, or what it throws. `locals` is what it alone sees: `args`, and more of other names. */
export function runScript(source: string, locals: Record<string, unknown>, host: ScriptHost): Promise<unknown> {
  const { program, isExpression, source: trimmed } = parseExpression(source)
  const given: Record<string, unknown> = { ...builtIns(host), args: locals['args'] }
  const names = [...new Set(references(program).map(({ name }) => name))].filter((name) => Object.hasOwn(given, name) || name in host.scope())
  const body = isExpression ? `return (${trimmed}\n)` : trimmed
  const run = new AsyncFunction(...names, `"use strict";${body}`)
  return run(...names.map((name) => (Object.hasOwn(given, name) ? given[name] : handleOf(name, locals[name], host))))
}

function builtIns(host: ScriptHost): Record<string, unknown> {
  const ask = (method: string) => (...parameters: unknown[]) => host.call('', method, parameters)
  return {
    notify: ask('notify'),
    navigate: ask('navigate'),
    state: stateHandle(host),
    utils: Object.freeze({ ...Object.fromEntries(utilities.map((name) => [name, ask(name)])), wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)) }),
    console: Object.freeze(Object.fromEntries(['log', 'info', 'warn', 'error', 'debug'].map((level) => [level, (...values: unknown[]) => host.log(values)]))),
  }
}

/** `own` is what the script alone sees by the name. */
function handleOf(name: string, own: unknown, host: ScriptHost): unknown {
  const now = () => seenWith(host.scope()[name], own)
  const first = now()
  if (typeof first !== 'object' || first === null) return first
  return reader(
    (property) => {
      if (!host.methodsOf(name).includes(property)) return (now() as Record<string, unknown> | undefined)?.[property]
      return (...parameters: unknown[]) => {
        const called = host.call(name, property, parameters)
        if (property !== 'run') return called
        // Rows are here already: they came before the answer.
        const data = called.then(() => (now() as Record<string, unknown> | undefined)?.['data'])
        data.catch(() => undefined)
        return data
      }
    },
    () => Object.keys((now() as object | undefined) ?? {}),
    `${name} is read-only: call a method, such as ${name}.${host.methodsOf(name)[0] ?? 'setValue'}().`,
  )
}

function stateHandle(host: ScriptHost): unknown {
  const all = () => (host.scope()['state'] ?? {}) as Record<string, { value?: unknown } | undefined>
  const variable = (name: string) => {
    if (!(name in all())) return undefined
    return reader(
      (property) => {
        if (property === 'value') return all()[name]?.value
        if (property === 'reset') return () => host.call('state', 'reset', [name])
        if (property !== 'set') return undefined
        return (value: unknown) => {
          host.setState(name, value)
          return host.call('state', 'set', [name, value])
        }
      },
      () => ['value'],
      `state.${name} is read-only: call state.${name}.set().`,
    )
  }
  return reader(variable, () => Object.keys(all()), 'State variables are added in the builder; set one with state.name.set().')
}

/** An object that is read by a function, and that says what to do to whoever writes to it. */
function reader(read: (property: string) => unknown, keys: () => string[], refusal: string): unknown {
  const refuse = () => {
    throw new TypeError(refusal)
  }
  return new Proxy(Object.create(null) as Record<string, unknown>, {
    // A promise that gives this object asks for `then` first.
    get: (_, property) => (typeof property === 'symbol' || property === 'then' ? undefined : property === 'toJSON' ? () => Object.fromEntries(keys().map((key) => [key, read(key)])) : read(property)),
    has: (_, property) => typeof property === 'string' && keys().includes(property),
    ownKeys: keys,
    getOwnPropertyDescriptor: (_, property) => (typeof property === 'string' && keys().includes(property) ? { value: read(property), enumerable: true, configurable: true, writable: false } : undefined),
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
  })
}
