/** Where components stand on a narrow screen: as the page says, and below it, one under the other, all that it does not name. */
import type { Page } from '../api/types'
import { type Layout, onSameGrid, standsOn } from './nesting'

/** Below this many pixels a screen is narrow. The styles of hosted apps have the same number. */
export const narrowPixels = 640
const columns = 24

export function hasPhoneLayout(page: Page): boolean {
  return Object.keys(page['phone-layout'] ?? {}).length > 0
}

export function phoneLayoutOf(page: Page): Layout {
  const wide = page.layout ?? {}
  const placed: Layout = {}
  for (const [name, rect] of Object.entries(page['phone-layout'] ?? {})) {
    const at = wide[name]
    // A component that was moved into another one since belongs there on every screen.
    if (at && onSameGrid(at, rect)) placed[name] = rect
  }
  const rest = Object.keys(wide)
    .filter((name) => !placed[name])
    .sort((a, b) => (wide[a]?.row ?? 0) - (wide[b]?.row ?? 0) || (wide[a]?.column ?? 0) - (wide[b]?.column ?? 0))
  for (const name of rest) {
    const rect = wide[name]
    if (!rect) continue
    const grid = { ...(rect.parent ? { parent: rect.parent } : {}), ...(rect.slot ? { slot: rect.slot } : {}) }
    const others = Object.values(placed).filter((other) => standsOn(other, { ...grid, ...(rect.slot ? { slot: rect.slot } : {}) }) && (other.slot ?? '') === (rect.slot ?? ''))
    const bottom = others.reduce((lowest, other) => Math.max(lowest, other.row + other.height), 0)
    placed[name] = { ...rect, column: 0, row: bottom, width: columns }
  }
  return placed
}
