import type { KindState } from '../../../runtime/kinds'
import { textOf } from '../../../runtime/values'

export const state: KindState = {
  value: 'text',
  check: (value) => (/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(textOf(value).trim()) ? undefined : 'Write an address such as ada@example.org.'),
}
