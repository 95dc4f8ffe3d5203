/** How long a text may be. */
import type { Read } from '../runtime/kinds'
import { numberOf, textOf } from '../runtime/values'
import { t } from '../messages/messages'

export function lengthProblem(value: unknown, read: Read): string | undefined {
  const { length } = textOf(value)
  const [least, most] = [numberOf(read('min-length')), numberOf(read('max-length'))]
  if (least !== null && length < least) return t('Write at least {least} characters; these are {length}.', { least, length })
  if (most !== null && length > most) return t('Write at most {most} characters; these are {length}.', { most, length })
  return undefined
}
