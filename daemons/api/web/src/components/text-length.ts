/** How long a text may be. */
import type { Read } from '../runtime/kinds'
import { numberOf, textOf } from '../runtime/values'

export function lengthProblem(value: unknown, read: Read): string | undefined {
  const { length } = textOf(value)
  const [least, most] = [numberOf(read('min-length')), numberOf(read('max-length'))]
  if (least !== null && length < least) return `Write at least ${least} characters; these are ${length}.`
  if (most !== null && length > most) return `Write at most ${most} characters; these are ${length}.`
  return undefined
}
