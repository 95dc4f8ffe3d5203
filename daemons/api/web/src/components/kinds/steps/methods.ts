import { heldValue } from '../../../runtime/kinds'
import type { Handle, Methods } from '../../../runtime/methods'
import { baseOf } from '../../../runtime/nesting'
import { gridsOf } from '../../choice/grids'
import { chosenOption, isSame, optionsOf } from '../../choice/options'

export const methods: Methods = {
  goTo: { parameters: ['step'], run: ({ read, set }, step) => set({ value: chosenOption(read('steps'), step, 'step') }) },
  next: { parameters: [], run: (component) => step(component, 1) },
  back: { parameters: [], run: (component) => step(component, -1) },
}

/** As its buttons do: on only when nothing is wrong with what stands in the step, and after the last one it is sent. */
function step(component: Handle, by: 1 | -1): unknown {
  const steps = optionsOf((property) => component.read(property === 'options' ? 'steps' : property))
  const value = heldValue('steps', component.held(), component.read)
  const at = Math.max(0, steps.findIndex((one) => isSame(one.value, value)))
  const to = steps[at + by]
  if (by < 0) return to && component.set({ value: to.value })
  if (!to) return component.submit()
  if (component.validate(gridsOf(baseOf(component.name).base, steps)[at])) component.set({ value: to.value })
  return undefined
}
