/** How much of a plan's work is a step's own: without that of the steps that it takes its rows from. */
import type { Plan, PlanStep } from '../api/types'

/** What a step took in all: time where it was measured, over all its rounds, else cost. */
function workOf(step: PlanStep, isAnalyzed: boolean): number {
  return isAnalyzed ? (step.actual_ms ?? 0) * (step.loops ?? 1) : step.total_cost
}

/** A share from 0 to 1 for each step. */
export function sharesOf({ steps, analyzed }: Plan): number[] {
  const own = steps.map((step) => workOf(step, analyzed))
  const all = own[0] ?? 0
  // The way from the root to the step at hand.
  const path: number[] = []
  steps.forEach((step, index) => {
    path.length = Math.min(path.length, step.depth)
    const parent = path.at(-1)
    if (parent !== undefined) own[parent] = (own[parent] ?? 0) - workOf(step, analyzed)
    path.push(index)
  })
  return own.map((work) => (all > 0 ? Math.min(Math.max(work / all, 0), 1) : 0))
}
