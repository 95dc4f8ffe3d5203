import type { KindState } from '../../../runtime/kinds'
import { asType } from '../../../runtime/values'
import { t, valueLocale } from '../../../messages/messages'

export const state: KindState = {
  value: 'datetime',
  check: (value, read) => {
    const [at, first, last] = [asType('datetime', value), asType('datetime', read('min')), asType('datetime', read('max'))] as (string | null)[]
    if (!at) return undefined
    if (first && at < first) return t('Choose {least} or later.', { least: new Date(first).toLocaleString(valueLocale) })
    if (last && at > last) return t('Choose {most} or earlier.', { most: new Date(last).toLocaleString(valueLocale) })
    return undefined
  },
}
