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

/** `button[2]`: the component of this name in the third item of its list. */
export function instanceName(name: string, index: number | undefined): string {
  return index === undefined || name.endsWith(']') ? name : `${name}[${index}]`
}

/** The name without the item that it is of, and which item that is. */
export function baseOf(name: string): { base: string; index: number | undefined } {
  const [, base, index] = /^(.*)\[(\d+)\]$/.exec(name) ?? []
  return base === undefined ? { base: name, index: undefined } : { base, index: Number(index) }
}

/** The list that a component stands in, at any depth; the outermost when there are several. */
export function listAround(page: { components?: Record<string, { type: string }>; layout?: Layout }, name: string): string | undefined {
  return around(page.layout ?? {}, name)
    .slice(1)
    .findLast((outer) => page.components?.[outer]?.type === 'list')
}
