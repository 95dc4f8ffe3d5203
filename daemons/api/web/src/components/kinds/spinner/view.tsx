/** A sign that something is under way. */
import { textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperty } from '../../runtime-context'
import { t } from '../../../messages/messages'

export function View({ name }: ViewProps) {
  const label = textOf(useProperty(name, 'label'))
  return (
    <div className="app-spinner" role="status">
      <span className="spinner" aria-hidden />
      {label ? <span>{label}</span> : <span className="visually-hidden">{t('Loading')}</span>}
    </div>
  )
}
