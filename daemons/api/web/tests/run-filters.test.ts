import { describe, expect, it, test } from 'vitest'
import { filtersOf, localOf, momentOf, queryOf, timeOfRun } from '../src/studio/run-filters'

describe('filters of an address', () => {
  it('are the same again when they are put into one', () => {
    const filters = { status: 'failed', trigger: 'schedule', range: 'custom', since: '2026-11-01T00:00:00.000Z', text: 'order 17' }
    expect(filtersOf(filters)).toEqual(filters)
    expect(filtersOf({ ...filters, status: undefined, text: undefined })).toEqual({ trigger: 'schedule', range: 'custom', since: '2026-11-01T00:00:00.000Z' })
  })

  it('leave out what the API would refuse', () => {
    expect(filtersOf({ status: 'nice', trigger: 'rain', range: 'decade', since: '2026-11-01T00:00:00Z', text: '  ', tab: 'runs' })).toEqual({})
    expect(filtersOf({ range: 'custom', since: 'yesterday', until: '+123456-01-01T00:00:00Z' })).toEqual({ range: 'custom' })
  })

  it('take a text that reads as a number', () => {
    expect(filtersOf({ text: 42 })).toEqual({ text: '42' })
    expect(filtersOf({ text: 'x'.repeat(300) }).text).toHaveLength(200)
  })
})

describe('what the API is asked', () => {
  const now = new Date('2026-11-29T14:00:00Z')

  it('has ranges from where they begin now', () => {
    expect(queryOf({ range: 'day' }, now)).toEqual({ since: '2026-11-28T14:00:00.000Z' })
    expect(queryOf({ range: 'week', status: 'failed' }, now)).toEqual({ status: 'failed', since: '2026-11-22T14:00:00.000Z' })
    expect(queryOf({ range: 'today' }, now)).toEqual({ since: new Date(new Date(now).setHours(0, 0, 0, 0)).toISOString() })
  })

  it('has a range of one’s own as it is, and nothing of what is not filtered', () => {
    expect(queryOf({ range: 'custom', until: '2026-11-02T00:00:00.000Z' }, now)).toEqual({ until: '2026-11-02T00:00:00.000Z' })
    expect(queryOf({}, now)).toEqual({})
  })
})

test('a moment goes into a field of the browser and back', () => {
  expect(momentOf(localOf('2026-11-01T08:30:00.000Z'))).toBe('2026-11-01T08:30:00.000Z')
  expect(localOf(undefined)).toBe('')
  expect(momentOf('')).toBeUndefined()
})

test('the id of a run says when it was accepted', () => {
  expect(timeOfRun('019acffe-fc00-7000-8000-000000000000')).toBe(new Date(0x019acffefc00).toISOString())
})
