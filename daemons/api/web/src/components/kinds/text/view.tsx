/** Text on a page. */
import { textOf } from '../../../runtime/values'
import { type ViewProps, useProperty } from '../../runtime-context'

export function View({ name }: ViewProps) {
  const value = textOf(useProperty(name, 'value'))
  const style = textOf(useProperty(name, 'style')) || 'body'
  if (style === 'heading') return <h2 className="app-text heading">{value}</h2>
  return <p className={style === 'muted' ? 'app-text muted' : 'app-text body'}>{value}</p>
}
