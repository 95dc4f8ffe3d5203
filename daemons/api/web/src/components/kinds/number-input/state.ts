import type { KindState } from '../../../runtime/kinds'
import { numberOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'number',
  check: (value, read) => {
    const [number, least, most] = [numberOf(value), numberOf(read('min')), numberOf(read('max'))]
    if (number === null) return undefined
    if (least !== null && number < least) return t('Give {least} or more.', { least })
    if (most !== null && number > most) return t('Give {most} or less.', { most })
    return undefined
  },
}
