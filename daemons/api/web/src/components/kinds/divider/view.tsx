/** A line between parts of a page. */
import { textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperty } from '../../runtime-context'

export function View({ name }: ViewProps) {
  const label = textOf(useProperty(name, 'label'))
  if (label === '') return <hr className="app-divider" />
  return (
    <div className="app-divider-labelled">
      <span>{label}</span>
    </div>
  )
}
