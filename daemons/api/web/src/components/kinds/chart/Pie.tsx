/** Parts of a whole, as a ring. */
import { valueLocale } from '../../../messages/messages'
import { type FormProps, type Mark, type Size, colour } from './marks'
import type { slicesOf } from './series'

interface Slice {
  path: string
  mark: number
}

/** An arc of a ring between two angles, in turns from the top. */
function ring(middle: { x: number; y: number }, outer: number, inner: number, from: number, to: number): string {
  const at = (turn: number, radius: number) => `${(middle.x + radius * Math.sin(turn * 2 * Math.PI)).toFixed(2)} ${(middle.y - radius * Math.cos(turn * 2 * Math.PI)).toFixed(2)}`
  // A whole turn begins where it ends, which no arc can say.
  const end = Math.min(to, from + 0.99999)
  const isLong = end - from > 0.5 ? 1 : 0
  return `M${at(from, outer)}A${outer} ${outer} 0 ${isLong} 1 ${at(end, outer)}L${at(end, inner)}A${inner} ${inner} 0 ${isLong} 0 ${at(from, inner)}Z`
}

export function drawPie(slices: ReturnType<typeof slicesOf>, size: Size, format: (value: number) => string): { slices: Slice[]; marks: Mark[]; total: number } {
  const total = slices.reduce((sum, { value }) => sum + value, 0)
  const middle = { x: size.width / 2, y: size.height / 2 }
  const outer = Math.max(10, Math.min(size.width, size.height) / 2 - 8)
  let turned = 0
  const drawn = slices.map((slice, index) => {
    const share = slice.value / (total || 1)
    const from = turned
    turned += share
    const turn = (from + share / 2) * 2 * Math.PI
    const text = `${format(slice.value)} (${share.toLocaleString(valueLocale, { style: 'percent', maximumFractionDigits: 1 })})`
    const mark: Mark = {
      title: slice.label,
      lines: [{ name: '', text, series: index }],
      x: middle.x + Math.sin(turn) * outer * 0.8,
      y: middle.y - Math.cos(turn) * outer * 0.8,
      selected: { x: slice.label, series: '', value: slice.value, row: slice.rows[0] ?? null },
    }
    return { slice: { path: ring(middle, outer, outer * 0.58, from, turned), mark: index }, mark }
  })
  return { slices: drawn.map(({ slice }) => slice), marks: drawn.map(({ mark }) => mark), total }
}

export function Pie({ drawing, active, onActive, onSelect, size, format }: FormProps & { drawing: ReturnType<typeof drawPie> }) {
  return (
    <svg width={size.width} height={size.height} aria-hidden onPointerLeave={() => onActive(undefined)}>
      {drawing.slices.map((slice) => (
        <path key={slice.mark} className={active === undefined || active === slice.mark ? 'chart-slice' : 'chart-slice is-dim'} d={slice.path} style={{ fill: colour(slice.mark) }} onPointerMove={() => onActive(slice.mark)} onClick={() => onSelect(slice.mark)} />
      ))}
      <text className="chart-total" x={size.width / 2} y={size.height / 2 + 6} textAnchor="middle">
        {format(drawing.total)}
      </text>
    </svg>
  )
}
