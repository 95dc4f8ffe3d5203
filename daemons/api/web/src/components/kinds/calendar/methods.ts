import type { Methods } from '../../../runtime/methods'
import { asType, textOf } from '../../../runtime/values'
import { shownOf } from './state'

export const methods: Methods = {
  goTo: {
    parameters: ['day'],
    run: ({ read, set, trigger }, day) => {
      const to = asType('date', day)
      if (to === null) throw new Error(`${textOf(day) || 'nothing'} is no day: write one such as 2026-11-30`)
      set(shownOf(textOf(to).slice(0, 7), read('week-start') === 'sunday'))
      return trigger('month-change')
    },
  },
  clearSelection: { parameters: [], run: ({ set }) => set({ selectedEvent: null, selectedDay: null }) },
}
