/** Where the points of a scatter stand. */
import { valueLocale } from '../../../messages/messages'
import { type Frame, frameOf, thinned } from './cartesian'
import type { Mark, Size } from './marks'
import { type pointsOf, ticksOver } from './series'

export interface Dot {
  x: number
  y: number
  series: number
}

export function drawScatter(data: ReturnType<typeof pointsOf>, size: Size, format: (value: number) => string): { frame: Frame; dots: Dot[]; marks: Mark[] } {
  const spread = (values: number[]): [number, number] => (values.length === 0 ? [0, 1] : values.reduce<[number, number]>(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]))
  const { frame, y } = frameOf(size, ticksOver(spread(data.points.map((point) => point.y)), Math.max(2, Math.floor(size.height / 56))), format)
  const along = ticksOver(spread(data.points.map((point) => point.x)), Math.max(2, Math.floor(size.width / 110)))
  const [least, most] = [along[0] ?? 0, along.at(-1) ?? 1]
  const x = (value: number) => frame.left + 8 + ((value - least) / (most - least || 1)) * (frame.right - frame.left - 16)
  frame.labels = thinned(
    along.map((tick) => ({ at: x(tick), text: tick.toLocaleString(valueLocale) })),
    frame.right - frame.left,
  )
  const dots = data.points.map((point) => ({ x: x(point.x), y: y(point.y), series: point.series }))
  const marks = data.points.map((point, index): Mark => {
    const name = data.names[point.series] ?? ''
    return {
      title: point.label || name,
      lines: [
        { name: data.x, text: point.x.toLocaleString(valueLocale), series: point.series },
        { name: data.y, text: format(point.y), series: point.series },
      ],
      x: dots[index]?.x ?? 0,
      y: dots[index]?.y ?? 0,
      selected: { x: point.x, series: name, value: point.y, row: point.row },
    }
  })
  return { frame, dots, marks }
}
