/** Bars, lines and areas over an axis of values. */
import type { PointerEvent } from 'react'
import { Axes } from './Axes'
import type { Drawing } from './cartesian'
import { type FormProps, colour } from './marks'

/** Of more, dots would be a band. */
const mostDots = 60

export function Cartesian({ drawing, form, active, onActive, onSelect, marks, size }: FormProps & { drawing: Drawing; form: string }) {
  const { frame, bars, lines } = drawing
  const nearest = (event: PointerEvent<SVGElement>): number | undefined => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left
    let best: number | undefined
    marks.forEach((mark, index) => {
      if (best === undefined || Math.abs(mark.x - x) < Math.abs((marks[best]?.x ?? 0) - x)) best = index
    })
    return best
  }
  const activeX = active === undefined ? undefined : marks[active]?.x
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
      <Axes frame={frame} />
      {activeX === undefined ? null : <line className="chart-cursor" x1={activeX} x2={activeX} y1={frame.top} y2={frame.bottom} />}
      {bars.map((bar, index) => (
        <rect key={index} className={active === undefined || active === bar.mark ? 'chart-bar' : 'chart-bar is-dim'} x={bar.x} y={bar.y} width={bar.width} height={bar.height} rx={Math.min(2, bar.width / 4)} style={{ fill: colour(bar.series) }} />
      ))}
      {lines.map((line) => (
        <g key={line.series}>
          {form === 'area' ? <path className="chart-area" d={line.area} style={{ fill: colour(line.series) }} /> : null}
          <path className="chart-line" d={line.path} style={{ stroke: colour(line.series) }} />
          {line.dots
            .filter((dot) => line.dots.length <= mostDots || dot.mark === active)
            .map((dot) => (
              <circle key={dot.mark} cx={dot.x} cy={dot.y} r={dot.mark === active ? 4.5 : 2.5} style={{ fill: colour(line.series) }} />
            ))}
        </g>
      ))}
    </svg>
  )
}
