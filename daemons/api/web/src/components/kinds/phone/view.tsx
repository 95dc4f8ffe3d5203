/** A telephone number. */
import { TextLine } from '../../TextLine'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  return <TextLine props={props} type="tel" autoComplete="tel" tidy={(text) => text.trim()} />
}
