/** Components as a text on the clipboard: what Ctrl-C writes, and whether what Ctrl-V finds is such a text. */
import type { AppDocument, Component, GridRect } from '../api/types'
import { moduleOf } from '../document/module-names'
import { namesWithin } from './edits'

export interface Clip {
  bulkhead: 'components'
  version: 1
  components: Record<string, Component>
  layout: Record<string, GridRect>
}

export function clipOf(document: AppDocument, page: string, names: readonly string[]): Clip | undefined {
  const { components = {}, layout = {} } = document.pages[page] ?? {}
  // A module is more than its components: it is added from the list of modules, or duplicated.
  const isOfModule = (name: string) => Boolean(document.modules?.[name]) || moduleOf(document, name) !== undefined
  const copied = new Set(names.flatMap((name) => [name, ...namesWithin(layout, name)]).filter((name) => !isOfModule(name)))
  const clip: Clip = { bulkhead: 'components', version: 1, components: {}, layout: {} }
  for (const name of copied) {
    const [component, rect] = [components[name], layout[name]]
    if (!component || !rect) continue
    clip.components[name] = component
    const { column, row, width, height } = rect
    clip.layout[name] = rect.parent && copied.has(rect.parent) ? rect : { column, row, width, height }
  }
  return Object.keys(clip.components).length > 0 ? clip : undefined
}
