import type { KindState } from '../../../runtime/kinds'
import { flagOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'json',
  initial: { text: '', isValid: true },
  unread: ({ isValid }) => (isValid === false ? t('This is no JSON yet.') : undefined),
  check: (value, read) => (flagOf(read('object-only')) && (typeof value !== 'object' || Array.isArray(value)) ? t('Write an object: {example}.', { example: '{ "name": "value" }' }) : undefined),
}
