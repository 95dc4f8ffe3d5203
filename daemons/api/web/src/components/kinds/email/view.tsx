/** An e-mail address. */
import { TextLine } from '../../TextLine'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  // The browser's own kind of field would change what is typed: it leaves out spaces without a word.
  return <TextLine props={props} inputMode="email" autoComplete="email" tidy={(text) => text.trim()} />
}
