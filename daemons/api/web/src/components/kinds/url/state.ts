import type { KindState } from '../../../runtime/kinds'
import { textOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

export const state: KindState = {
  value: 'text',
  check: (value) => {
    const text = textOf(value).trim()
    return /^https?:\/\//i.test(text) && URL.canParse(text) && new URL(text).hostname.length > 0 ? undefined : t('Write an address such as {example}.', { example: 'https://example.org' })
  },
}
