import type { KindState } from '../../../runtime/kinds'
import { numberOf } from '../../../runtime/values'

export const state: KindState = {
  value: 'list',
  check: (value, read) => {
    const most = numberOf(read('max-chosen'))
    return most !== null && Array.isArray(value) && value.length > most ? `Choose at most ${most}.` : undefined
  },
}
