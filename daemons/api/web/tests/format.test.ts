import { expect, test } from 'vitest'
import { clockTime, duration } from '../src/ui/format'

const now = new Date('2026-06-01T00:00:00Z')

test('a point in time is told by the clocks of its zone, and midnight is hour 0', () => {
  expect(clockTime('2026-11-29T23:00:00Z', 'Europe/Vienna', now)).toMatch(/^Mon,? 30 Nov,? 00:00$/)
  expect(clockTime('2026-11-29T23:00:00Z', 'UTC', now)).toMatch(/^Sun,? 29 Nov,? 23:00$/)
})

test('another year is told', () => {
  expect(clockTime('2028-02-29T12:00:00Z', 'UTC', now)).toMatch(/^Tue,? 29 Feb 2028,? 12:00$/)
})

test('a zone that the browser does not know breaks nothing', () => {
  expect(clockTime('2026-11-29T23:00:00Z', 'Mars/Olympus', now)).toBe(clockTime('2026-11-29T23:00:00Z', undefined, now))
})

test('a duration is told by its two largest units, and rounding makes no minute of sixty seconds', () => {
  expect([0.2, 12, 1234, 59_940, 59_960].map(duration)).toEqual(['< 1 ms', '12 ms', '1.23 s', '59.9 s', '1 min'])
  expect([60_000, 119_600, 100_000, 7_500_000, 259_200_000, 90_061_000].map(duration)).toEqual(['1 min', '2 min', '1 min 40 s', '2 h 5 min', '3 d', '1 d 1 h'])
})
