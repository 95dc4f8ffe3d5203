/** From rows to what a chart draws. */
import { valueLocale } from '../../../messages/messages'
import { jsonOf, numberOf, textOf } from '../../../runtime/values'

export type Row = Record<string, unknown>

export interface Series {
  name: string
  /** One for each place along; nothing where there is none. */
  values: (number | null)[]
}

export interface Place {
  value: unknown
  label: string
  /** Where it stands between others, when they are numbers or times. */
  at: number
  /** The rows that came together here. */
  rows: Row[]
}

export interface ChartData {
  places: Place[]
  series: Series[]
  /** The places have distances: numbers or times. */
  isContinuous: boolean
  isTime: boolean
  /** Rows that were left out. */
  dropped: number
}

export interface Point {
  x: number
  y: number
  series: number
  label: string
  row: Row
}

/** More than a screen can show. */
export const mostRows = 20_000
/** More series than colours; the rest is one. */
export const mostSeries = 12
const isoDay = /^\d{4}-\d{2}-\d{2}([T ]|$)/

export interface Columns {
  x: string
  y: string
  by: string
}

export function rowsOf(data: unknown): Row[] {
  const given = jsonOf(data)
  if (Array.isArray(given)) return given.flatMap((row: unknown, index): Row[] => (typeof row === 'object' && row !== null ? [row as Row] : numberOf(row) === null ? [] : [{ x: index + 1, value: row }]))
  return typeof given === 'object' && given !== null ? Object.entries(given).map(([x, value]) => ({ x, value })) : []
}

/** Which columns are drawn, where nobody says. */
export function columnsFor(rows: Row[], { x, y, by }: Columns): { x: string; ys: string[]; by: string } {
  const keys = Object.keys(rows[0] ?? {})
  const isFigure = (key: string) => rows.slice(0, 50).some((row) => numberOf(row[key]) !== null) && rows.slice(0, 50).every((row) => row[key] === null || row[key] === undefined || numberOf(row[key]) !== null)
  const along = x.trim() || (keys.find((key) => !isFigure(key) && key !== by) ?? keys[0] ?? '')
  const given = y
    .split(',')
    .map((key) => key.trim())
    .filter(Boolean)
  const ys = given.length > 0 ? given : keys.filter((key) => key !== along && key !== by && isFigure(key)).slice(0, mostSeries)
  return { x: along, ys, by: by.trim() }
}

function timeOf(value: unknown): number | null {
  if (typeof value !== 'string' || !isoDay.test(value)) return null
  const at = new Date(value).getTime()
  return Number.isNaN(at) ? null : at
}

/** Values by series and place. What has the same place and series is added up. */
export function chartData(all: Row[], columns: Columns): ChartData {
  const rows = all.slice(0, mostRows)
  const { x, ys, by } = columnsFor(rows, columns)
  const places = new Map<string, Place>()
  const names = new Map<string, number>()
  const sums: Map<string, number>[] = []
  if (by === '') for (const key of ys) names.set(key, names.size)
  for (const row of rows) {
    const key = textOf(row[x])
    const place = places.get(key) ?? { value: row[x], label: key, at: 0, rows: [] }
    place.rows.push(row)
    places.set(key, place)
    for (const [name, value] of by === '' ? ys.map((y): [string, unknown] => [y, row[y]]) : [[textOf(row[by]), row[ys[0] ?? '']] as [string, unknown]]) {
      const number = numberOf(value)
      if (number === null) continue
      const index = seriesIndex(names, name)
      const sum = (sums[index] ??= new Map())
      sum.set(key, (sum.get(key) ?? 0) + number)
    }
  }
  const list = [...places.values()]
  const isTime = list.length > 1 && list.every(({ value }) => timeOf(value) !== null)
  const isNumber = !isTime && list.length > 1 && list.every(({ value }) => typeof value === 'number')
  for (const [index, place] of list.entries()) place.at = isTime ? (timeOf(place.value) ?? 0) : isNumber ? (place.value as number) : index
  if (isTime || isNumber) list.sort((a, b) => a.at - b.at)
  if (isTime) for (const place of list) place.label = timeLabel(place.at, list)
  return {
    places: list,
    series: [...names].map(([name, index]) => ({ name, values: list.map((place) => sums[index]?.get(textOf(place.value)) ?? null) })),
    isContinuous: isTime || isNumber,
    isTime,
    dropped: all.length - rows.length,
  }
}

const rest = 'Others'

function seriesIndex(names: Map<string, number>, name: string): number {
  const known = names.get(name)
  if (known !== undefined) return known
  const given = names.size < mostSeries - 1 || name === rest ? name : rest
  const index = names.get(given) ?? names.size
  names.set(given, index)
  return index
}

const dayOf = new Intl.DateTimeFormat(valueLocale, { day: 'numeric', month: 'short', timeZone: 'UTC' })
const fullDay = new Intl.DateTimeFormat(valueLocale, { dateStyle: 'medium', timeZone: 'UTC' })
const monthOf = new Intl.DateTimeFormat(valueLocale, { month: 'short', year: 'numeric', timeZone: 'UTC' })
const hourOf = new Intl.DateTimeFormat(valueLocale, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

/** As short as the distances of the others allow. */
function timeLabel(at: number, places: Place[]): string {
  const [first, last] = [places[0]?.at ?? at, places.at(-1)?.at ?? at]
  if (!places.every((place) => place.at % 86_400_000 === 0)) return hourOf.format(at)
  if (places.every((place) => new Date(place.at).getUTCDate() === 1) && places.length > 2) return monthOf.format(at)
  return (last - first > 300 * 86_400_000 ? fullDay : dayOf).format(at)
}

/** Of a scatter: each row is a point. */
export function pointsOf(all: Row[], columns: Columns): { points: Point[]; names: string[]; x: string; y: string; dropped: number } {
  const rows = all.slice(0, mostRows)
  const keys = Object.keys(rows[0] ?? {})
  const figures = keys.filter((key) => key !== columns.by && rows.slice(0, 50).some((row) => numberOf(row[key]) !== null))
  const x = columns.x.trim() || (figures[0] ?? '')
  const y = columns.y.split(',')[0]?.trim() || (figures.find((key) => key !== x) ?? '')
  const names = new Map<string, number>()
  const label = keys.find((key) => key !== x && key !== y && typeof rows[0]?.[key] === 'string')
  const points = rows.flatMap((row): Point[] => {
    const [left, right] = [numberOf(row[x]), numberOf(row[y])]
    if (left === null || right === null) return []
    return [{ x: left, y: right, series: columns.by ? seriesIndex(names, textOf(row[columns.by])) : 0, label: label ? textOf(row[label]) : '', row }]
  })
  return { points, names: columns.by ? [...names.keys()] : [y], x, y, dropped: all.length - rows.length }
}

/** The slices of a pie, the largest first; the smallest are one. */
export function slicesOf(data: ChartData): { label: string; value: number; rows: Row[] }[] {
  const [first] = data.series
  const all = data.places
    .map((place, index) => ({ label: place.label || '–', value: Math.max(0, first?.values[index] ?? 0), rows: place.rows }))
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value)
  if (all.length <= mostSeries) return all
  const others = all.slice(mostSeries - 1)
  return [...all.slice(0, mostSeries - 1), { label: rest, value: others.reduce((sum, { value }) => sum + value, 0), rows: others.flatMap((slice) => slice.rows) }]
}

/** The range that a value axis has to show: with zero where lengths are compared. */
export function rangeOf(data: ChartData, isStacked: boolean, fromZero: boolean): [number, number] {
  let [least, most] = fromZero ? [0, 0] : [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let index = 0; index < data.places.length; index += 1) {
    let [below, above] = [0, 0]
    for (const { values } of data.series) {
      const value = values[index]
      if (value === null || value === undefined) continue
      if (isStacked) {
        if (value < 0) below += value
        else above += value
        least = Math.min(least, below)
        most = Math.max(most, above)
      } else {
        least = Math.min(least, value)
        most = Math.max(most, value)
      }
    }
  }
  return Number.isFinite(least) && Number.isFinite(most) ? [least, most] : [0, 1]
}

/** About `count` round numbers over a range, the first at or below it and the last at or above it. */
export function ticksOver([least, most]: [number, number], count: number): number[] {
  const span = most - least || Math.abs(most) || 1
  const rough = span / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  const from = Math.floor(least / step) * step
  const to = Math.max(Math.ceil(most / step) * step, from + step)
  const ticks: number[] = []
  for (let at = 0; from + at * step <= to + step / 2 && at < 50; at += 1) ticks.push(Number((from + at * step).toPrecision(12)))
  return ticks
}
