/** Which component stands on which grid. */
import type { GridRect } from '../api/types'

export type Layout = Record<string, GridRect>

export interface Grid {
  /** The component around the grid; the page's own grid when absent. */
  parent?: string
  /** Which of its grids, where it has several; all of them when absent. */
  slot?: string
  /** Of the first of several: the names of the others. What names none of these stands here, so that a tab that is gone takes nothing along. */
  others?: string[]
}

/** Components in each other; the server allows fewer. */
const maxNesting = 16

/** Whether a place is on a grid itself. */
export function standsOn(rect: GridRect | undefined, { parent, slot, others }: Grid): boolean {
  if ((rect?.parent ?? undefined) !== parent) return false
  return slot === undefined || rect?.slot === slot || (others !== undefined && !others.includes(rect?.slot ?? ''))
}

/** Whether two places are on the same grid. */
export function onSameGrid(a: GridRect, b: GridRect): boolean {
  return (a.parent ?? '') === (b.parent ?? '') && (a.slot ?? '') === (b.slot ?? '')
}

/** Whether a component stands on a grid, or in one that does. */
export function isWithin(layout: Layout, name: string, grid: Grid): boolean {
  let at: string | undefined = name
  for (let depth = 0; at !== undefined && depth < maxNesting; depth += 1) {
    const rect: GridRect | undefined = layout[at]
    if (standsOn(rect, grid)) return true
    at = rect?.parent ?? undefined
  }
  return false
}

/** A component and all that it stands in, from the inside out. */
export function around(layout: Layout, name: string): string[] {
  const names: string[] = []
  for (let at: string | undefined = name; at !== undefined && names.length < maxNesting; at = layout[at]?.parent ?? undefined) names.push(at)
  return names
}

/** Which item of a list, of which item of the list around that: `[2][0]` from the outermost on; empty outside of lists. */
export type Path = string

/** `button[2]`: the component of this name in the third item of its list. */
export function instanceName(name: string, path: Path): string {
  return name.endsWith(']') ? name : name + path
}

/** The name without the items that it is of, and which items those are. */
export function baseOf(name: string): { base: string; path: Path } {
  const at = name.indexOf('[')
  return at < 0 ? { base: name, path: '' } : { base: name.slice(0, at), path: name.slice(at) }
}

export function indexesOf(path: Path): number[] {
  return [...path.matchAll(/\d+/g)].map(([index]) => Number(index))
}

/** As far as the lists go that something stands in. */
export function pathTo(path: Path, depth: number): Path {
  return indexesOf(path).slice(0, depth).map((index) => `[${index}]`).join('')
}

/** The lists that a component stands in, the outermost first. */
export function listsAround(page: { components?: Record<string, { type: string }>; layout?: Layout }, name: string): string[] {
  return around(page.layout ?? {}, name)
    .slice(1)
    .filter((outer) => page.components?.[outer]?.type === 'list')
    .reverse()
}
