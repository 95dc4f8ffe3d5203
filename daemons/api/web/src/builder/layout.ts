/** Arithmetic of the canvas: integer rectangles on 24 columns that never overlap. */
import type { GridRect, Page } from '../api/types'
import { type Grid, type Layout, onSameGrid, standsOn } from '../runtime/nesting'
import { componentKinds } from './component-kinds'

export const columns = 24
export const rowHeight = 36
const maxHeight = 500

export function clamp({ column, row, width, height, ...grid }: GridRect): GridRect {
  const fittingWidth = Math.max(1, Math.min(columns, Math.round(width)))
  return {
    column: Math.max(0, Math.min(columns - fittingWidth, Math.round(column))),
    row: Math.max(0, Math.round(row)),
    width: fittingWidth,
    height: Math.max(1, Math.min(maxHeight, Math.round(height))),
    ...grid,
  }
}

/** What stands on different grids never overlaps. */
export function overlaps(a: GridRect, b: GridRect): boolean {
  if (!onSameGrid(a, b)) return false
  return a.column < b.column + b.width && b.column < a.column + a.width && a.row < b.row + b.height && b.row < a.row + a.height
}

/** The layout with `placed` where it is asked for; what it covers moves down, and what that covers in turn. */
export function place(layout: Layout, placed: Layout): Layout {
  const result: Layout = { ...layout, ...placed }
  // Read once: within an edit each reading of a member takes long, and each is compared with all others.
  const settled = Object.values(placed).map((rect) => ({ ...rect }))
  const rest = Object.entries(layout)
    .filter(([name]) => !(name in placed))
    .map(([name, rect]) => ({ name, rect: { ...rect } }))
    .sort((a, b) => a.rect.row - b.rect.row)
  for (const { name, rect } of rest) {
    const free = below(rect, settled)
    if (free !== rect) result[name] = free
    settled.push(free)
  }
  return result
}

/** `rect` moved down until it covers none of `others`. */
function below(rect: GridRect, others: GridRect[]): GridRect {
  const blocker = others.find((other) => overlaps(rect, other))
  return blocker ? below({ ...rect, row: blocker.row + blocker.height }, others) : rect
}

/** Where something new of this size finds room: below everything. */
export function freeSpot(layout: Layout, size: { width: number; height: number }, grid: Grid = {}): GridRect {
  const bottom = Object.values(layout).reduce((lowest, rect) => (standsOn(rect, grid) ? Math.max(lowest, rect.row + rect.height) : lowest), 0)
  return { column: 0, row: bottom, ...size }
}

/** The grid to add something on: that of the selected container, or the one that the selected component stands on. */
export function gridFor(page: Page | undefined, selected: string | undefined, shownSlot: (name: string) => string | undefined): Pick<Grid, 'parent' | 'slot'> {
  const component = page?.components?.[selected ?? '']
  const rect = page?.layout?.[selected ?? '']
  if (!selected || !component || !rect) return {}
  const kind = componentKinds[component.type]
  const slot = shownSlot(selected)
  if (kind?.group === 'Containers' && !kind.isClosed) return { parent: selected, ...(slot === undefined ? {} : { slot }) }
  return { ...(rect.parent ? { parent: rect.parent } : {}), ...(rect.slot ? { slot: rect.slot } : {}) }
}

export type Edge = 'e' | 's' | 'se' | 'w'

export function resized(rect: GridRect, edge: Edge, dx: number, dy: number): GridRect {
  if (edge === 'w') {
    const column = Math.max(0, Math.min(rect.column + rect.width - 1, Math.round(rect.column + dx)))
    return clamp({ ...rect, column, width: rect.width + rect.column - column })
  }
  const width = edge === 's' ? rect.width : Math.max(1, Math.min(columns - rect.column, Math.round(rect.width + dx)))
  const height = edge === 'e' ? rect.height : Math.max(1, Math.round(rect.height + dy))
  return clamp({ ...rect, width, height })
}
