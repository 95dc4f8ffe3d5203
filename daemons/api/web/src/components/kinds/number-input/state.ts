import type { KindState } from '../../../runtime/kinds'
import { numberOf } from '../../../runtime/values'

export const state: KindState = {
  value: 'number',
  check: (value, read) => {
    const [number, least, most] = [numberOf(value), numberOf(read('min')), numberOf(read('max'))]
    if (number === null) return undefined
    if (least !== null && number < least) return `Give ${least.toLocaleString()} or more.`
    if (most !== null && number > most) return `Give ${most.toLocaleString()} or less.`
    return undefined
  },
}
