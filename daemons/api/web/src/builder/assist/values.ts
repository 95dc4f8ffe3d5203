/** What expressions see of the app on the canvas, by name: for completion, the state inspector, and to say why a value is what it is. */
import type { AppRuntime } from '../../runtime/runtime'

export type Values = Record<string, unknown>

export function valuesNow(runtime: AppRuntime): Values {
  const { shown } = runtime.store.getState()
  const values: Record<string, Record<string, unknown>> = {}
  const put = (name: string, property: string, value: unknown) => {
    ;(values[name] ??= {})[property] = value
  }
  for (const [id, outcome] of Object.entries(shown)) {
    const dot = id.indexOf('.')
    // Parameters of queries have a question mark, and are nothing that an expression sees.
    if (dot < 0 || id.includes('?') || !('value' in outcome)) continue
    const [name, property] = [id.slice(0, dot), id.slice(dot + 1)]
    put(name, property === 'default-value' ? 'value' : property, outcome.value)
  }
  for (const [name, held] of Object.entries(runtime.seen())) for (const [property, value] of Object.entries(held)) put(name, property, value)
  // What is of a module is the module's own affair: an app reads its outputs.
  for (const name of Object.keys(values)) {
    const [instance = '', ...rest] = name.split('__')
    if (rest.length > 0 && runtime.componentOf(instance)?.type === 'module') delete values[name]
  }
  return { ...runtime.host.globals, ...values }
}

/** The value at a path; nothing where there is none. */
export function valueAtPath(values: Values, path: readonly string[]): unknown {
  return path.reduce<unknown>((found, key) => (typeof found === 'object' && found !== null && Object.hasOwn(found, key) ? (found as Values)[key] : undefined), values)
}

/** One line that says what a value is. */
export function brief(value: unknown, most = 60): string {
  if (value === undefined) return 'nothing yet'
  if (Array.isArray(value)) return `list of ${value.length.toLocaleString('en')}`
  const text = JSON.stringify(value) ?? String(value)
  return text.length > most ? `${text.slice(0, most)}…` : text
}
