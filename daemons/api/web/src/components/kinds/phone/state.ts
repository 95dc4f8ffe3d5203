import type { KindState } from '../../../runtime/kinds'
import { textOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'text',
  check: (value) => {
    const text = textOf(value).trim()
    const digits = text.replace(/\D/g, '').length
    return /^\+?[\d\s().\-/]+$/.test(text) && digits >= 3 && digits <= 15 ? undefined : t('Write a number such as {example}.', { example: '+44 20 7946 0000' })
  },
}
