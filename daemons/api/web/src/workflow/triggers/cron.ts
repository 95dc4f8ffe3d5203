/** Cron expressions as people say them: the usual ones by choice, all others as they are. */

export type RepeatKind = 'minutes' | 'hourly' | 'daily' | 'weekdays' | 'weekly' | 'monthly' | 'other'

/** How a schedule repeats. What its kind does not use is kept, so that another kind takes it over. */
export interface Repeat {
  kind: RepeatKind
  /** Minutes between two points in time. */
  every: number
  hour: number
  minute: number
  /** 0 is Sunday. */
  weekday: number
  /** Of the month, from 1. */
  day: number
}

export const repeatKinds: readonly (readonly [RepeatKind, string])[] = [
  ['minutes', 'Every few minutes'],
  ['hourly', 'Every hour'],
  ['daily', 'Every day'],
  ['weekdays', 'On weekdays'],
  ['weekly', 'Every week'],
  ['monthly', 'Every month'],
  ['other', 'By an expression'],
]

/** Steps that divide an hour: any other would be shorter at its end. */
export const minuteSteps = [1, 5, 10, 15, 20, 30] as const
export const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

const usual: Repeat = { kind: 'other', every: 5, hour: 8, minute: 0, weekday: 1, day: 1 }

export function repeatOf(cron: string): Repeat {
  const [minute = '', hour = '', day = '', month = '', weekday = '', ...more] = cron.trim().split(/\s+/)
  if (more.length > 0 || month !== '*') return usual
  const isEveryHour = hour === '*' && day === '*' && weekday === '*'
  const every = minute === '*' ? 1 : Number(/^\*\/(\d+)$/.exec(minute)?.[1])
  if (isEveryHour && minuteSteps.some((step) => step === every)) return { ...usual, kind: 'minutes', every }
  const at = { minute: within(minute, 0, 59), hour: within(hour, 0, 23) }
  if (at.minute === undefined) return usual
  if (isEveryHour) return { ...usual, kind: 'hourly', minute: at.minute }
  if (at.hour === undefined) return usual
  const timed = { ...usual, minute: at.minute, hour: at.hour }
  const [ofMonth, ofWeek] = [within(day, 1, 31), within(weekday, 0, 7)]
  if (day === '*' && weekday === '*') return { ...timed, kind: 'daily' }
  if (day === '*' && /^(1-5|mon-fri)$/i.test(weekday)) return { ...timed, kind: 'weekdays' }
  if (day === '*' && ofWeek !== undefined) return { ...timed, kind: 'weekly', weekday: ofWeek % 7 }
  if (weekday === '*' && ofMonth !== undefined) return { ...timed, kind: 'monthly', day: ofMonth }
  return usual
}

/** The expression; none where the kind says that it is written by hand. */
export function cronOf({ kind, every, hour, minute, weekday, day }: Repeat): string | undefined {
  switch (kind) {
    case 'minutes':
      return `${every === 1 ? '*' : `*/${every}`} * * * *`
    case 'hourly':
      return `${minute} * * * *`
    case 'daily':
      return `${minute} ${hour} * * *`
    case 'weekdays':
      return `${minute} ${hour} * * 1-5`
    case 'weekly':
      return `${minute} ${hour} * * ${weekday}`
    case 'monthly':
      return `${minute} ${hour} ${day} * *`
    case 'other':
      return undefined
  }
}

/** What an expression means; itself where it is none of the usual ones. */
export function cronText(cron: string): string {
  const repeat = repeatOf(cron)
  const time = timeText(repeat)
  switch (repeat.kind) {
    case 'minutes':
      return repeat.every === 1 ? 'Every minute' : `Every ${repeat.every} minutes`
    case 'hourly':
      return repeat.minute === 0 ? 'Every hour' : `Every hour at minute ${repeat.minute}`
    case 'daily':
      return `Every day at ${time}`
    case 'weekdays':
      return `On weekdays at ${time}`
    case 'weekly':
      return `Every ${weekdays[repeat.weekday]} at ${time}`
    case 'monthly':
      return `On day ${repeat.day} of the month at ${time}`
    case 'other':
      return cron
  }
}

/** `08:30`, as a field of a time has it. */
export function timeText({ hour, minute }: Pick<Repeat, 'hour' | 'minute'>): string {
  return [hour, minute].map((part) => String(part).padStart(2, '0')).join(':')
}

function within(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,2}$/.test(text) ? Number(text) : undefined
  return value !== undefined && value >= least && value <= most ? value : undefined
}
