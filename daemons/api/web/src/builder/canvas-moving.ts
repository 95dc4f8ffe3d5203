/** What is under way on the canvas: kept apart from what stands on it, so that only what draws it follows. */
import type { GridRect } from '../api/types'
import type { Edge } from './layout'

export interface Drag {
  name: string
  edge: Edge | undefined
  from: { x: number; y: number }
  /** Where it was taken hold of, in pixels from its corner. */
  hold: { x: number; y: number }
  rect: GridRect
  now: GridRect
}

/** What is under way. It changes with every move of the pointer: only what draws it may follow it. */
export interface Moving {
  /** A component that is moved or resized. */
  drag: Drag | undefined
  /** Where something new would stand. */
  drop: GridRect | undefined
  /** What the pointer draws a frame around, in pixels of the screen. */
  band: Band | undefined
}

export interface Band {
  from: { x: number; y: number }
  to: { x: number; y: number }
}

export function boundsOf({ from, to }: Band) {
  return { left: Math.min(from.x, to.x), top: Math.min(from.y, to.y), right: Math.max(from.x, to.x), bottom: Math.max(from.y, to.y) }
}
