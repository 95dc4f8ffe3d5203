import { describe, expect, it } from 'vitest'
import { asType, flagOf, jsonOf } from '../src/runtime/values'

describe('what inputs hold', () => {
  it('is a number or nothing', () => {
    expect(['12.5', ' 7 ', 3, '-0.5'].map((value) => asType('number', value))).toEqual([12.5, 7, 3, -0.5])
    expect(['', ' ', 'x', Number.NaN, Number.POSITIVE_INFINITY, null, true, [1], '1e999'].map((value) => asType('number', value))).toEqual(Array.from({ length: 9 }, () => null))
  })

  it('is yes or no by the words of databases and forms', () => {
    expect(['', '0', 'f', 'False', 'no', 'OFF', 0, null, undefined].some(flagOf)).toBe(false)
    expect(['1', 't', 'true', 'yes', 'on', 1, true, 'x'].every(flagOf)).toBe(true)
  })

  it('is a day that exists', () => {
    expect(asType('date', '2026-11-30T23:30:00Z')).toBe('2026-11-30')
    expect(asType('date', '2026-11-30 10:00')).toBe('2026-11-30')
    expect(['2026-02-30', '2026-13-01', '30.11.2026', '2026-11-301', null, 5].map((value) => asType('date', value))).toEqual(Array.from({ length: 6 }, () => null))
  })

  it('is an instant', () => {
    expect(asType('datetime', '2026-11-30T10:00:00+01:00')).toBe('2026-11-30T09:00:00.000Z')
    expect(['', 'soon', null, true, {}].map((value) => asType('datetime', value))).toEqual(Array.from({ length: 5 }, () => null))
  })

  it('is a list, and one value is a list of it', () => {
    expect(asType('list', 'a')).toEqual(['a'])
    expect(asType('list', null)).toEqual([])
  })

  it('is never a file that no person chose', () => {
    expect(asType('file', { name: 'a', base64: '' })).toBeNull()
  })

  it('may be written down as JSON', () => {
    expect(jsonOf('["a", 1]')).toEqual(['a', 1])
    expect(jsonOf('[a')).toBe('[a')
    expect(jsonOf('a')).toBe('a')
  })
})
