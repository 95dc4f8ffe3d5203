/** Each row as a point. */
import type { PointerEvent } from 'react'
import { Axes } from './Axes'
import { type FormProps, colour } from './marks'
import type { drawScatter } from './scatter'

/** How near the pointer must come, in pixels. */
const reach = 16

export function Scatter({ drawing, active, onActive, onSelect, size }: FormProps & { drawing: ReturnType<typeof drawScatter> }) {
  const nearest = (event: PointerEvent<SVGElement>): number | undefined => {
    const bounds = event.currentTarget.getBoundingClientRect()
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top]
    let best: number | undefined
    let distance = reach
    drawing.dots.forEach((dot, index) => {
      const away = Math.hypot(dot.x - x, dot.y - y)
      if (away < distance) [best, distance] = [index, away]
    })
    return best
  }
  const shown = active === undefined ? undefined : drawing.dots[active]
  return (
    <svg
      width={size.width}
      height={size.height}
      aria-hidden
      onPointerMove={(event) => onActive(nearest(event))}
      onPointerLeave={() => onActive(undefined)}
      onClick={() => {
        if (active !== undefined) onSelect(active)
      }}
    >
      <Axes frame={drawing.frame} />
      {drawing.dots.map((dot, index) => (
        <circle key={index} className="chart-point" cx={dot.x} cy={dot.y} r={4} style={{ fill: colour(dot.series) }} />
      ))}
      {shown ? <circle cx={shown.x} cy={shown.y} r={6.5} style={{ fill: colour(shown.series) }} /> : null}
    </svg>
  )
}
