/** Which runs a list shows: as its address says it, and as the API is asked. */
import type { RunStatus } from '../api/types'
import { starters } from '../workflow/waiting'

export type TimeRange = 'today' | 'day' | 'week' | 'custom'

/** Of a list's address. What is absent does not narrow it. */
export interface RunFilters {
  status?: RunStatus
  trigger?: string
  range?: TimeRange
  /** Of a range of one's own, in UTC. */
  since?: string
  until?: string
  text?: string
}

/** What the API takes. */
export interface RunQuery {
  status?: RunStatus
  trigger?: string
  since?: string
  until?: string
  text?: string
}

export const statusOptions: readonly (readonly [RunStatus, string])[] = [
  ['queued', 'Queued'],
  ['running', 'Running'],
  ['waiting', 'Waiting'],
  ['succeeded', 'Succeeded'],
  ['failed', 'Failed'],
  ['cancelled', 'Cancelled'],
]
export const rangeOptions: readonly (readonly [TimeRange, string])[] = [
  ['today', 'Today'],
  ['day', 'Last 24 hours'],
  ['week', 'Last 7 days'],
  ['custom', 'Own range'],
]

const dayMs = 24 * 3600 * 1000
const longestText = 200

/** The filters of an address. Whatever it has besides or wrong is left out: the API would refuse it. */
export function filtersOf(search: Record<string, unknown>): RunFilters {
  const range = oneOf(rangeOptions, search.range)
  const isCustom = range === 'custom'
  // An address with `text=42` is read as a number.
  const text = ['string', 'number', 'boolean'].includes(typeof search.text) ? String(search.text).slice(0, longestText) : ''
  return withoutEmpty({
    status: oneOf(statusOptions, search.status),
    trigger: typeof search.trigger === 'string' && search.trigger in starters ? search.trigger : undefined,
    range,
    since: isCustom ? momentOf(search.since) : undefined,
    until: isCustom ? momentOf(search.until) : undefined,
    text: text.trim() === '' ? undefined : text,
  })
}

/** What to ask the API for now. */
export function queryOf({ status, trigger, range, since, until, text }: RunFilters, now: Date): RunQuery {
  return withoutEmpty({ status, trigger, text: text?.trim(), ...(range === 'custom' ? { since, until } : { since: range && beginOf(range, now) }) })
}

export function isFiltered(filters: RunFilters): boolean {
  return Object.keys(filters).length > 0
}

/** When a run was accepted: its id begins with that time. */
export function timeOfRun(id: string): string {
  return new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString()
}

/** A moment as a field of the browser has it, by the clock here, and back. */
export function localOf(moment: string | undefined): string {
  if (moment === undefined) return ''
  const at = new Date(moment)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

export function momentOf(value: unknown): string | undefined {
  const at = new Date(typeof value === 'string' && value !== '' ? value : Number.NaN)
  // Years of more than four digits are none that the API reads.
  return Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1970 || at.getUTCFullYear() > 9999 ? undefined : at.toISOString()
}

function beginOf(range: Exclude<TimeRange, 'custom'>, now: Date): string {
  const begin = { today: new Date(now).setHours(0, 0, 0, 0), day: now.getTime() - dayMs, week: now.getTime() - 7 * dayMs }[range]
  return new Date(begin).toISOString()
}

function oneOf<Value extends string>(options: readonly (readonly [Value, string])[], value: unknown): Value | undefined {
  return options.find(([known]) => known === value)?.[0]
}

function withoutEmpty<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')) as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> }
}
