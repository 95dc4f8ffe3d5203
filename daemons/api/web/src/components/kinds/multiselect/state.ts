import type { KindState } from '../../../runtime/kinds'
import { numberOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'list',
  check: (value, read) => {
    const most = numberOf(read('max-chosen'))
    return most !== null && Array.isArray(value) && value.length > most ? t('Choose at most {count}.', { count: most }) : undefined
  },
}
