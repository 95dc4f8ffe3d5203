/** Values as the strength of a colour, along and across. */
import { type FormProps, type Mark, type Size } from './marks'
import type { ChartData } from './series'
import { thinned } from './cartesian'

interface HeatCell {
  x: number
  y: number
  /** From 0 to 1. */
  strength: number
  text: string
  mark: number
}

const characterWidth = 6.6
const bottom = 26

export function drawHeat(data: ChartData, size: Size, format: (value: number) => string) {
  const names = data.series.map(({ name }) => name || '–')
  const left = Math.min(size.width / 3, Math.max(...names.map((name) => name.length), 1) * characterWidth + 14)
  const width = (size.width - left - 4) / Math.max(1, data.places.length)
  const height = (size.height - bottom) / Math.max(1, names.length)
  const all = data.series.flatMap(({ values }) => values.filter((value) => value !== null))
  const [least, most] = [all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY), all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)]
  const cells: HeatCell[] = []
  const marks: Mark[] = []
  data.series.forEach(({ name, values }, row) => {
    values.forEach((value, column) => {
      if (value === null) return
      const place = data.places[column]
      cells.push({ x: left + column * width, y: row * height, strength: most > least ? (value - least) / (most - least) : 1, text: format(value), mark: marks.length })
      marks.push({
        title: `${place?.label ?? ''}, ${name || '–'}`,
        lines: [{ name: '', text: format(value), series: 0 }],
        x: left + (column + 0.5) * width,
        y: row * height,
        selected: { x: place?.value, series: name, value, row: place?.rows[0] ?? null },
      })
    })
  })
  const rows = names.map((text, index) => ({ text, at: (index + 0.5) * height }))
  const labels = thinned(
    data.places.map((place, index) => ({ at: left + (index + 0.5) * width, text: place.label })),
    size.width - left,
  )
  return { cells, marks, left, width, height, rows, labels }
}

export function Heat({ drawing, active, onActive, onSelect, size }: FormProps & { drawing: ReturnType<typeof drawHeat> }) {
  const { cells, width, height, left } = drawing
  const longest = Math.max(0, ...cells.map(({ text }) => text.length))
  const hasRoom = width > longest * characterWidth + 8 && height > 18
  return (
    <svg width={size.width} height={size.height} aria-hidden onPointerLeave={() => onActive(undefined)}>
      <g className="chart-axes">
        {drawing.rows.map(({ text, at }) => (
          <text key={text} x={left - 8} y={at + 4} textAnchor="end">
            {text.length * characterWidth > left ? `${text.slice(0, Math.floor(left / characterWidth) - 2)}…` : text}
          </text>
        ))}
        {drawing.labels.map(({ text, at }, index) => (
          <text key={index} x={at} y={size.height - 8} textAnchor="middle">
            {text}
          </text>
        ))}
      </g>
      {cells.map((cell) => (
        <g key={cell.mark} onPointerMove={() => onActive(cell.mark)} onClick={() => onSelect(cell.mark)}>
          <rect className={active === cell.mark ? 'chart-heat is-active' : 'chart-heat'} x={cell.x + 1} y={cell.y + 1} width={Math.max(1, width - 2)} height={Math.max(1, height - 2)} rx={2} style={{ fill: `color-mix(in oklab, var(--accent-9) ${Math.round(8 + cell.strength * 92)}%, var(--surface))` }} />
          {hasRoom ? (
            <text className={cell.strength > 0.66 ? 'chart-heat-text is-strong' : 'chart-heat-text'} x={cell.x + width / 2} y={cell.y + height / 2 + 4} textAnchor="middle">
              {cell.text}
            </text>
          ) : null}
        </g>
      ))}
    </svg>
  )
}
