/** Words in small frames: tags of a thing, or its status. */
import { jsonOf, textOf } from '../../../runtime/values'
import { Badge } from '../../../ui/Badge'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { toneOf } from '../../tone'
import { plural, t } from '../../../messages/messages'

const most = 200

export function View(props: ViewProps) {
  const read = useProperties(props)
  const given = jsonOf(read('items'))
  const items = (Array.isArray(given) ? given : [given]).map(textOf).filter((item) => item !== '')
  const tones = jsonOf(read('tones'))
  const toneFor = (item: string) => (typeof tones === 'object' && tones !== null && Object.hasOwn(tones, item) ? textOf((tones as Record<string, unknown>)[item]) : '')
  const label = textOf(read('label'))
  return (
    <div className="app-tags-field">
      {label ? <span className="label">{label}</span> : null}
      {items.length === 0 ? (
        <span className="muted">{textOf(read('empty-text')) || t('None')}</span>
      ) : (
        <ul className="app-tags" aria-label={label || props.name}>
          {items.slice(0, most).map((item, index) => (
            <li key={index}>
              <Badge tone={toneOf(toneFor(item), 'neutral')}>{item}</Badge>
            </li>
          ))}
          {items.length > most ? <li className="muted">{plural(items.length - most, '{count} more', '{count} more')}</li> : null}
        </ul>
      )}
    </div>
  )
}
