import { describe, expect, it, test } from 'vitest'
import { cronOf, cronText, repeatOf } from '../src/workflow/triggers/cron'

describe('the usual expressions', () => {
  it.each([
    ['* * * * *', 'minutes', 'Every minute'],
    ['*/5 * * * *', 'minutes', 'Every 5 minutes'],
    ['0 * * * *', 'hourly', 'Every hour'],
    ['20 * * * *', 'hourly', 'Every hour at minute 20'],
    ['30 8 * * *', 'daily', 'Every day at 08:30'],
    ['0 0 * * 1-5', 'weekdays', 'On weekdays at 00:00'],
    ['15 18 * * 5', 'weekly', 'Every Friday at 18:15'],
    ['5 4 31 * *', 'monthly', 'On day 31 of the month at 04:05'],
  ])('%s', (cron, kind, text) => {
    expect(repeatOf(cron).kind).toBe(kind)
    expect(cronText(cron)).toBe(text)
    expect(cronOf(repeatOf(cron))).toBe(cron)
  })

  it('are found in other spellings too', () => {
    expect(cronText(' 00  09 * * MON-FRI')).toBe('On weekdays at 09:00')
    expect(cronText('0 9 * * 7')).toBe('Every Sunday at 09:00')
  })
})

test.each(['', '* * * *', '* * * * * *', '*/7 * * * *', '60 * * * *', '0 24 * * *', '0 8 0 * *', '0 8 * * 8', '0 8 1 1 *', '0 8 1 * 1', '0 8,18 * * *'])('%j is kept as it is written', (cron) => {
  expect(repeatOf(cron).kind).toBe('other')
  expect(cronText(cron)).toBe(cron)
  expect(cronOf(repeatOf(cron))).toBeUndefined()
})

test('another kind takes the time over', () => {
  const daily = repeatOf('45 6 * * *')
  expect(cronOf({ ...daily, kind: 'weekdays' })).toBe('45 6 * * 1-5')
  expect(cronOf({ ...daily, kind: 'monthly' })).toBe('45 6 1 * *')
})
