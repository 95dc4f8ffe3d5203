/** What is drawn on the canvas while something is under way: the frame that selects, and the lines that a moved component shares with others. */
import { type StoreApi } from 'zustand/vanilla'
import { useStore } from 'zustand'
import type { Page } from '../api/types'
import { type Grid, standsOn } from '../runtime/nesting'
import { type Moving, boundsOf } from './canvas-moving'
import { guidesFor } from './guides'
import { columns, rowHeight } from './layout'

export function BandFrame({ moving }: { moving: StoreApi<Moving> }) {
  const band = useStore(moving, (state) => state.band)
  if (!band) return null
  const { left, top, right, bottom } = boundsOf(band)
  return <div className="canvas-band" style={{ left, top, width: right - left, height: bottom - top }} />
}

/** While something moves, or is resized, the lines that it shares with others. */
export function GuideLines({ grid, page, moving }: { grid: Grid; page: Page; moving: StoreApi<Moving> }) {
  const drag = useStore(moving, (state) => (state.drag && standsOn(state.drag.now, grid) ? state.drag : undefined))
  if (!drag || JSON.stringify(drag.now) === JSON.stringify(drag.rect)) return null
  const others = Object.entries(page.layout ?? {}).flatMap(([name, rect]) => (name !== drag.name && standsOn(rect, grid) ? [rect] : []))
  const lines = guidesFor(drag.now, others)
  return (
    <>
      {lines.columns.map((column) => (
        <div key={`column ${column}`} className="canvas-guide column" style={{ left: `${(column / columns) * 100}%` }} />
      ))}
      {lines.rows.map((row) => (
        <div key={`row ${row}`} className="canvas-guide row-line" style={{ top: row * rowHeight }} />
      ))}
    </>
  )
}
