/** Any value as a tree. */
import { jsonOf, textOf } from '../../../runtime/values'
import { JsonView } from '../../../ui/JsonView'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const data = jsonOf(read('data'))
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and the keyboard must reach it
    <div className="app-scroll app-json" role="region" tabIndex={0} aria-label={textOf(read('label')) || props.name}>
      {data === undefined ? <p className="muted">{t('Nothing to show.')}</p> : <JsonView value={data} />}
    </div>
  )
}
