import type { KindState } from '../../../runtime/kinds'
import { asType } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'date',
  check: (value, read) => {
    const [day, first, last] = [asType('date', value), asType('date', read('min')), asType('date', read('max'))] as (string | null)[]
    if (!day) return undefined
    if (first && day < first) return t('Choose {least} or later.', { least: first })
    if (last && day > last) return t('Choose {most} or earlier.', { most: last })
    return undefined
  },
}
