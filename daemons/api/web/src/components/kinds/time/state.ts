import type { KindState } from '../../../runtime/kinds'
import { asType } from '../../../runtime/values'

export const state: KindState = {
  value: 'time',
  check: (value, read) => {
    const [time, first, last] = [asType('time', value), asType('time', read('min')), asType('time', read('max'))] as (string | null)[]
    if (!time) return undefined
    if (first && time < first) return `Choose ${first} or later.`
    if (last && time > last) return `Choose ${last} or earlier.`
    return undefined
  },
}
