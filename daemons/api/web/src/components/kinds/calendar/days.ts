/** The days of a month, and what falls on them. Days are texts such as `2026-11-30`: they have no zone. */
import { asType, textOf } from '../../../runtime/values'
import { type Row, column } from '../../rows'

export interface CalendarEvent {
  row: Row
  title: string
  /** First and last day. */
  from: string
  to: string
  /** `09:30`, where it begins at a time. */
  time: string
  tone: string
}

const two = (number: number) => String(number).padStart(2, '0')

export function today(now = new Date()): string {
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
}

export function moved(day: string, by: { days?: number; months?: number }): string {
  const at = new Date(`${day}T00:00Z`)
  if (by.months) {
    const wanted = at.getUTCDate()
    at.setUTCDate(1)
    at.setUTCMonth(at.getUTCMonth() + by.months)
    const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()
    at.setUTCDate(Math.min(wanted, last))
  }
  at.setUTCDate(at.getUTCDate() + (by.days ?? 0))
  return at.toISOString().slice(0, 10)
}

/** The weeks that a month is on: whole ones, also with days of the months beside it. */
export function weeksOf(month: string, startsOnSunday: boolean): string[][] {
  const first = `${month}-01`
  const weekday = new Date(`${first}T00:00Z`).getUTCDay()
  let day = moved(first, { days: -(startsOnSunday ? weekday : (weekday + 6) % 7) })
  const weeks: string[][] = []
  do {
    const from = day
    weeks.push(Array.from({ length: 7 }, (_, index) => moved(from, { days: index })))
    day = moved(day, { days: 7 })
  } while (day.slice(0, 7) <= month)
  return weeks
}

/** The day of a value by the clocks of this browser, and its time where it has one. */
function momentOf(value: unknown): { day: string; time: string } | undefined {
  const text = textOf(value)
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const day = asType('date', text)
    return day ? { day: String(day), time: '' } : undefined
  }
  const at = new Date(typeof value === 'number' ? value : text)
  if (text === '' || Number.isNaN(at.getTime())) return undefined
  return { day: today(at), time: `${two(at.getHours())}:${two(at.getMinutes())}` }
}

export function eventsOf(rows: Row[], read: (property: string) => unknown): CalendarEvent[] {
  const keys = { title: column(rows, read('title-key'), ['title', 'name']), start: column(rows, read('start-key'), ['start', 'date', 'at']), end: column(rows, read('end-key'), ['end']), tone: column(rows, read('tone-key'), ['tone']) }
  return rows
    .flatMap((row): CalendarEvent[] => {
      const start = momentOf(row[keys.start])
      if (!start) return []
      const end = momentOf(row[keys.end])
      return [{ row, title: textOf(row[keys.title]) || '–', from: start.day, to: end && end.day > start.day ? end.day : start.day, time: start.time, tone: textOf(row[keys.tone]) }]
    })
    .sort((a, b) => a.from.localeCompare(b.from) || a.time.localeCompare(b.time))
}
