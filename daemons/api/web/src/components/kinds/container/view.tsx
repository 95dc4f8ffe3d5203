/** A frame around other components. */
import { flagOf, textOf } from '../../../runtime/values'
import '../../containers.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { Slot } from '../../slot'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const title = textOf(read('title'))
  const isFramed = flagOf(read('framed') ?? true)
  return (
    <section className={isFramed ? 'app-container framed' : 'app-container'} aria-label={title || props.name}>
      {title ? <h3 className="app-container-title">{title}</h3> : null}
      <div className="app-slot">
        <Slot parent={props.name} />
      </div>
    </section>
  )
}
