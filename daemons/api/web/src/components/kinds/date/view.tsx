/** A day. */
import { DayField } from '../../DayField'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  return <DayField props={props} type="date" />
}
