import type { KindState } from '../../../runtime/kinds'
import { asType } from '../../../runtime/values'

export const state: KindState = {
  value: 'datetime',
  check: (value, read) => {
    const [at, first, last] = [asType('datetime', value), asType('datetime', read('min')), asType('datetime', read('max'))] as (string | null)[]
    if (!at) return undefined
    if (first && at < first) return `Choose ${new Date(first).toLocaleString()} or later.`
    if (last && at > last) return `Choose ${new Date(last).toLocaleString()} or earlier.`
    return undefined
  },
}
