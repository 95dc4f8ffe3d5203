/** What the builder says of methods: those that many kinds have, and a kind's own. */
import type { MethodSpec } from '../components/spec'
import { methodsOf } from '../runtime/kinds'
import { componentKinds } from './component-kinds'

const shared: readonly MethodSpec[] = [
  { name: 'setValue', text: 'Set the value', parameters: [{ name: 'value', label: 'Value' }] },
  { name: 'clear', text: 'Empty it' },
  { name: 'reset', text: 'Put back to the default' },
  { name: 'validate', text: 'Say what is wrong' },
  { name: 'open', text: 'Open' },
  { name: 'close', text: 'Close' },
  { name: 'focus', text: 'Put the cursor in it' },
  { name: 'scrollIntoView', text: 'Scroll to it' },
]

/** The methods of a kind, its own first. */
export function methodSpecs(kind: string): MethodSpec[] {
  const own = componentKinds[kind]?.methods ?? []
  const names = methodsOf(kind)
  return [...own, ...shared.filter(({ name }) => names.includes(name) && !own.some((one) => one.name === name))]
}

/** `sortBy(column, direction)` */
export function signatureOf({ name, parameters = [] }: MethodSpec): string {
  return `${name}(${parameters.map((parameter) => parameter.name).join(', ')})`
}
