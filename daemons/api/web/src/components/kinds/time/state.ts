import type { KindState } from '../../../runtime/kinds'
import { asType } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'time',
  check: (value, read) => {
    const [time, first, last] = [asType('time', value), asType('time', read('min')), asType('time', read('max'))] as (string | null)[]
    if (!time) return undefined
    if (first && time < first) return t('Choose {least} or later.', { least: first })
    if (last && time > last) return t('Choose {most} or earlier.', { most: last })
    return undefined
  },
}
