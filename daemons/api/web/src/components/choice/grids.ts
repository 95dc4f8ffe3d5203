/** The grids of a component that has several: one for each of its tabs or steps. */
import type { Grid } from '../../runtime/nesting'
import { textOf } from '../../runtime/values'
import type { Option } from './options'

export function gridsOf(parent: string, options: Option[]): Grid[] {
  const slots = options.map((option) => textOf(option.value))
  return slots.map((slot, index) => ({ parent, slot, ...(index === 0 ? { others: slots.slice(1) } : {}) }))
}
