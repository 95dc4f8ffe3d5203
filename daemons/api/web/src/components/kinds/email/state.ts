import type { KindState } from '../../../runtime/kinds'
import { textOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'text',
  check: (value) => (/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(textOf(value).trim()) ? undefined : t('Write an address such as {example}.', { example: 'ada@example.org' })),
}
