/** Where the bars, lines and areas of a chart stand. */
import type { Mark, Size } from './marks'
import { type ChartData, rangeOf, ticksOver } from './series'

export interface Frame {
  left: number
  top: number
  right: number
  bottom: number
  ticks: { at: number; text: string }[]
  labels: { at: number; text: string }[]
  zero: number
}

export interface Bar {
  mark: number
  series: number
  x: number
  y: number
  width: number
  height: number
}

export interface Line {
  series: number
  path: string
  area: string
  dots: { x: number; y: number; mark: number }[]
}

export interface Drawing {
  frame: Frame
  bars: Bar[]
  lines: Line[]
  marks: Mark[]
}

const characterWidth = 6.6
const [top, bottom, gap] = [10, 26, 8]

export function frameOf(size: Size, ticks: number[], format: (value: number) => string): { frame: Frame; y: (value: number) => number } {
  const texts = ticks.map(format)
  const left = Math.ceil(Math.max(...texts.map((text) => text.length)) * characterWidth) + gap + 4
  const base = size.height - bottom
  const [least, most] = [ticks[0] ?? 0, ticks.at(-1) ?? 1]
  const y = (value: number) => base - ((value - least) / (most - least || 1)) * (base - top)
  const frame = { left, top, right: size.width - 6, bottom: base, ticks: ticks.map((tick, index) => ({ at: y(tick), text: texts[index] ?? '' })), labels: [], zero: y(Math.min(most, Math.max(least, 0))) }
  return { frame, y }
}

/** As many labels as have room. */
export function thinned(labels: { at: number; text: string }[], width: number): { at: number; text: string }[] {
  const longest = Math.min(14, Math.max(1, ...labels.map(({ text }) => text.length)))
  const every = Math.max(1, Math.ceil((labels.length * (longest * characterWidth + 10)) / Math.max(1, width)))
  return labels.filter((_, index) => index % every === 0).map(({ at, text }) => ({ at, text: text.length > 14 ? `${text.slice(0, 13)}…` : text }))
}

export function draw(data: ChartData, form: 'bar' | 'line' | 'area', isStacked: boolean, size: Size, format: (value: number) => string): Drawing {
  const stacks = isStacked && form !== 'line'
  const range = rangeOf(data, stacks, form !== 'line')
  const { frame, y } = frameOf(size, ticksOver(range, Math.max(2, Math.floor(size.height / 56))), format)
  const count = data.places.length
  const band = (frame.right - frame.left) / Math.max(1, count)
  const [first, last] = [data.places[0]?.at ?? 0, data.places.at(-1)?.at ?? 1]
  const isSpread = form !== 'bar' && data.isContinuous && last > first
  const inset = form === 'bar' ? 0 : Math.min(24, band / 2)
  const x = (index: number) => {
    if (isSpread) return frame.left + inset + (((data.places[index]?.at ?? 0) - first) / (last - first)) * (frame.right - frame.left - 2 * inset)
    return frame.left + band * (index + 0.5)
  }
  frame.labels = thinned(
    data.places.map((place, index) => ({ at: x(index), text: place.label })),
    frame.right - frame.left,
  )
  const drawing: Drawing = { frame, bars: [], lines: [], marks: marksOf(data, x, y, form, format) }
  if (form === 'bar') drawing.bars = barsOf(data, stacks, frame, band, x, y)
  else drawing.lines = linesOf(data, stacks, frame, x, y)
  return drawing
}

/** Of bars and lines a place along is one mark, with all of its series. */
function marksOf(data: ChartData, x: (index: number) => number, y: (value: number) => number, form: string, format: (value: number) => string): Mark[] {
  return data.places.map((place, index) => {
    const lines = data.series.flatMap(({ name, values }, series) => {
      const value = values[index]
      return value === null || value === undefined ? [] : [{ name, text: format(value), series, value }]
    })
    const highest = Math.max(0, ...lines.map(({ value }) => value))
    return {
      title: place.label || '–',
      lines,
      x: x(index),
      y: y(form === 'bar' || lines.length === 0 ? highest : Math.max(...lines.map(({ value }) => value))),
      selected: { x: place.value, series: lines[0]?.name ?? '', value: lines[0]?.value ?? null, row: place.rows[0] ?? null },
    }
  })
}

function barsOf(data: ChartData, stacks: boolean, frame: Frame, band: number, x: (index: number) => number, y: (value: number) => number): Bar[] {
  const bars: Bar[] = []
  const room = Math.min(band * 0.72, 72 * (stacks ? 1 : data.series.length))
  const width = Math.max(1, stacks ? room : room / Math.max(1, data.series.length))
  data.places.forEach((_, index) => {
    let [above, below] = [0, 0]
    data.series.forEach(({ values }, series) => {
      const value = values[index]
      if (value === null || value === undefined) return
      const from = stacks ? (value < 0 ? below : above) : 0
      if (value < 0) below += value
      else above += value
      const [start, end] = [stacks ? y(from) : frame.zero, y(from + value)]
      bars.push({ mark: index, series, x: x(index) - room / 2 + (stacks ? 0 : series * width), y: Math.min(start, end), width: Math.max(1, width - (stacks || data.series.length === 1 ? 0 : 2)), height: Math.max(1, Math.abs(end - start)) })
    })
  })
  return bars
}

function linesOf(data: ChartData, stacks: boolean, frame: Frame, x: (index: number) => number, y: (value: number) => number): Line[] {
  const under: number[] = data.places.map(() => 0)
  const round = (number: number) => Math.round(number * 10) / 10
  return data.series.map(({ values }, series) => {
    let path = ''
    let area = ''
    let run: [number, number, number][] = []
    const dots: Line['dots'] = []
    const close = () => {
      if (run.length > 0) {
        const line = run.map(([left, high]) => `${round(left)} ${round(high)}`).join('L')
        path += `M${line}`
        area += `M${line}L${run.toReversed().map(([left, , low]) => `${round(left)} ${round(low)}`).join('L')}Z`
      }
      run = []
    }
    values.forEach((value, index) => {
      if (value === null && !stacks) return close()
      const low = stacks ? (under[index] ?? 0) : 0
      const high = stacks ? low + (value ?? 0) : (value ?? 0)
      if (stacks) under[index] = high
      run.push([x(index), y(high), stacks ? y(low) : frame.zero])
      dots.push({ x: x(index), y: y(high), mark: index })
    })
    close()
    return { series, path, area, dots }
  })
}
