import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createSettler } from '../src/ui/settled'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('only the last of what is typed is passed on, once the typing has stopped', () => {
  const passed: string[] = []
  const settler = createSettler<string>(400, (value) => passed.push(value))
  for (const typed of ['*', '*/', '*/5']) {
    settler.push(typed)
    vi.advanceTimersByTime(300)
  }
  expect(passed).toEqual([])
  vi.advanceTimersByTime(100)
  expect(passed).toEqual(['*/5'])
  settler.push('*/10')
  vi.advanceTimersByTime(400)
  expect(passed).toEqual(['*/5', '*/10'])
})

test('what is pending when the field goes is dropped', () => {
  const pass = vi.fn()
  const settler = createSettler(400, pass)
  settler.push('x')
  settler.stop()
  vi.advanceTimersByTime(1000)
  expect(pass).not.toHaveBeenCalled()
})
