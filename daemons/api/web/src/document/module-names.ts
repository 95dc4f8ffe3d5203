/** Names of what is of a module in an app: they begin with the name of its component. */
import type { AppDocument } from '../api/types'

/** What a module calls itself in its own expressions. */
export const ownName = 'module'

export function inModule(name: string, instance: string): boolean {
  return name.startsWith(`${instance}__`)
}

/** The module that something is of, by the name of its component; the outermost of several. */
export function moduleOf(document: Pick<AppDocument, 'modules'>, name: string): string | undefined {
  return Object.keys(document.modules ?? {})
    .filter((instance) => inModule(name, instance))
    .sort((a, b) => a.length - b.length)[0]
}
