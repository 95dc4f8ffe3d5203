/** A sign that something is under way. */
import { textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperty } from '../../runtime-context'

export function View({ name }: ViewProps) {
  const label = textOf(useProperty(name, 'label'))
  return (
    <div className="app-spinner" role="status">
      <span className="spinner" aria-hidden />
      {label ? <span>{label}</span> : <span className="visually-hidden">Loading</span>}
    </div>
  )
}
