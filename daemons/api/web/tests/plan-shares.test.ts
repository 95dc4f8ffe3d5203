import { expect, test } from 'vitest'
import type { PlanStep } from '../src/api/types'
import { sharesOf } from '../src/ui/plan-shares'

const step = (depth: number, total_cost: number, measured: Partial<PlanStep> = {}): PlanStep => ({ depth, title: 'Step', details: [], startup_cost: 0, total_cost, rows: 1, ...measured })

test('what a step takes from others is theirs', () => {
  const steps = [step(0, 100), step(1, 60), step(2, 50), step(1, 30)]
  expect(sharesOf({ steps, analyzed: false })).toEqual([0.1, 0.1, 0.5, 0.3])
})

test('a measured step counts the time of all its rounds', () => {
  const steps = [step(0, 1, { actual_ms: 10, loops: 1 }), step(1, 1, { actual_ms: 0.5, loops: 16 })]
  expect(sharesOf({ steps, analyzed: true })).toEqual([0.2, 0.8])
})

test('a share is never less than nothing or more than all', () => {
  expect(sharesOf({ steps: [step(0, 10), step(1, 30)], analyzed: false })).toEqual([0, 1])
  expect(sharesOf({ steps: [step(0, 0)], analyzed: false })).toEqual([0])
  expect(sharesOf({ steps: [], analyzed: false })).toEqual([])
})
