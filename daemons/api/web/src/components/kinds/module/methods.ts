import type { Methods } from '../../../runtime/methods'
import { textOf } from '../../../runtime/values'

export const methods: Methods = {
  raise: {
    parameters: ['event', 'detail'],
    run: ({ trigger }, event, detail) => trigger(textOf(event), typeof detail === 'object' && detail !== null ? { ...detail } : {}),
  },
}
