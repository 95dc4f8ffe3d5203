import type { KindState } from '../../../runtime/kinds'
import { asType, flagOf, numberOf } from '../../../runtime/values'
import { plural, t } from '../../../messages/messages'

const dayMs = 86_400_000

export const state: KindState = {
  value: 'range',
  check: (value, read) => {
    const range = asType('range', value) as { from: string | null; to: string | null } | null
    if (!range) return undefined
    const { from, to } = range
    if (flagOf(read('required')) && (!from || !to)) return from ? t('Choose the last day too.') : t('Choose the first day too.')
    const [first, last] = [asType('date', read('min')), asType('date', read('max'))] as (string | null)[]
    if (from && to && from > to) return t('The first day is after the last.')
    if (first && ((from && from < first) || (to && to < first))) return t('Choose {least} or later.', { least: first })
    if (last && ((from && from > last) || (to && to > last))) return t('Choose {most} or earlier.', { most: last })
    const most = numberOf(read('max-days'))
    if (most !== null && from && to && (Date.parse(to) - Date.parse(from)) / dayMs + 1 > most) return plural(most, 'Choose at most {count} day.', 'Choose at most {count} days.')
    return undefined
  },
}
