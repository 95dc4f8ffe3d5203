import type { KindState } from '../../../runtime/kinds'
import { asType, textOf } from '../../../runtime/values'
import { today, weeksOf } from './days'

export const state: KindState = {
  initial: { selectedEvent: null, selectedDay: null },
  methods: ['goTo', 'clearSelection'],
  initialOf: (properties) => shownOf(textOf(asType('date', properties['default-value']) ?? today()).slice(0, 7), properties['week-start'] === 'sunday'),
}

/** What expressions see of the month that shows. */
export function shownOf(month: string, startsOnSunday: boolean): { month: string; from: string; to: string } {
  const days = weeksOf(month, startsOnSunday).flat()
  return { month, from: days[0] ?? month, to: days.at(-1) ?? month }
}
