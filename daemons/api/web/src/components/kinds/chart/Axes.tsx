/** The lines and words around what a chart draws. */
import type { Frame } from './cartesian'

export function Axes({ frame }: { frame: Frame }) {
  return (
    <g className="chart-axes">
      {frame.ticks.map(({ at, text }) => (
        <g key={text + at}>
          <line x1={frame.left} x2={frame.right} y1={at} y2={at} className={Math.abs(at - frame.zero) < 0.5 ? 'is-zero' : ''} />
          <text x={frame.left - 8} y={at + 4} textAnchor="end">
            {text}
          </text>
        </g>
      ))}
      {frame.labels.map(({ at, text }, index) => (
        <text key={index} x={Math.min(at, frame.right - 4)} y={frame.bottom + 18} textAnchor={at > frame.right - 24 ? 'end' : 'middle'}>
          {text}
        </text>
      ))}
    </g>
  )
}
