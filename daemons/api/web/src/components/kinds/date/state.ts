import type { KindState } from '../../../runtime/kinds'
import { asType } from '../../../runtime/values'

export const state: KindState = {
  value: 'date',
  check: (value, read) => {
    const [day, first, last] = [asType('date', value), asType('date', read('min')), asType('date', read('max'))] as (string | null)[]
    if (!day) return undefined
    if (first && day < first) return `Choose ${first} or later.`
    if (last && day > last) return `Choose ${last} or earlier.`
    return undefined
  },
}
