import type { KindState } from '../../../runtime/kinds'
import { numberOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'list',
  check: (value, read) => {
    const count = Array.isArray(value) ? value.length : 0
    const [least, most] = [numberOf(read('min-chosen')), numberOf(read('max-chosen'))]
    if (least !== null && count < least) return t('Choose at least {count}.', { count: least })
    return most !== null && count > most ? t('Choose at most {count}.', { count: most }) : undefined
  },
}
