import type { KindState } from '../../../runtime/kinds'
import { flagOf } from '../../../runtime/values'

export const state: KindState = {
  value: 'json',
  initial: { text: '', isValid: true },
  unread: ({ isValid }) => (isValid === false ? 'This is no JSON yet.' : undefined),
  check: (value, read) => (flagOf(read('object-only')) && (typeof value !== 'object' || Array.isArray(value)) ? 'Write an object: { "name": "value" }.' : undefined),
}
