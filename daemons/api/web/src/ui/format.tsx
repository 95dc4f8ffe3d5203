/** Times and sizes for people. */
import { useEffect, useState } from 'react'
import { language, t } from '../messages/messages'

const units: [limitS: number, divisor: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60, 1, 'second'],
  [3600, 60, 'minute'],
  [86_400, 3600, 'hour'],
  [86_400 * 30, 86_400, 'day'],
  [86_400 * 365, 86_400 * 30, 'month'],
  [Number.POSITIVE_INFINITY, 86_400 * 365, 'year'],
]
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })

export function relativeTime(at: string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000
  if (Math.abs(seconds) < 10) return t('just now')
  const [, divisor, unit] = units.find(([limit]) => Math.abs(seconds) < limit) ?? [0, 1, 'second']
  // A deadline a second short of 24 hours away is in 24 hours; what was is not older than it is.
  return relative.format(seconds > 0 ? Math.round(seconds / divisor) : Math.trunc(seconds / divisor), unit)
}

export function RelativeTime({ at }: { at: string }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <time dateTime={at} title={absolute.format(new Date(at))} className="nowrap">
      {relativeTime(at, Math.max(now, Date.now()))}
    </time>
  )
}

export function duration(ms: number): string {
  if (ms < 1) return '< 1 ms'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
  const seconds = Math.round(ms / 1000)
  const units = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3600) % 24],
    ['min', Math.floor(seconds / 60) % 60],
    ['s', seconds % 60],
  ] as const
  // The two largest tell enough, and what is nothing is not said.
  const first = units.findIndex(([, count]) => count > 0)
  return units
    .slice(first, first + 2)
    .flatMap(([unit, count]) => (count > 0 ? [`${count} ${unit}`] : []))
    .join(' ')
}

/**
 * A point in time by the clocks of a zone, of this browser's when none is given or the browser does not know it. Without the year
 * where that is this one.
 */
export function clockTime(at: string, timeZone?: string, now = new Date()): string {
  const moment = new Date(at)
  const style: Intl.DateTimeFormatOptions = { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
  if (moment.getFullYear() !== now.getFullYear()) style.year = 'numeric'
  try {
    return new Intl.DateTimeFormat('en-GB', { ...style, ...(timeZone ? { timeZone } : {}) }).format(moment)
  } catch {
    return new Intl.DateTimeFormat('en-GB', style).format(moment)
  }
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(0)} KiB`
  return `${(count / 1024 ** 2).toFixed(1)} MiB`
}

export function count(value: number, one: string, many = `${one}s`): string {
  return `${value.toLocaleString('en')} ${value === 1 ? one : many}`
}
