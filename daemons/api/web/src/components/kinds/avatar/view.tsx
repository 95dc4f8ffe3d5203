/** A person, by picture or initials. */
import { useState } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import '../../display.css'
import { shownImage } from '../../href'
import { type ViewProps, useProperties } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { hueOf, initialsOf } from './initials'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const [broken, setBroken] = useState<string>()
  const name = textOf(read('name'))
  const image = shownImage(textOf(read('image')), location.origin)
  const caption = textOf(read('caption'))
  const size = textOf(read('size'))
  const isNamed = flagOf(read('named') ?? true) && name !== ''
  return (
    <div className={`app-avatar ${size}`}>
      {image && image !== broken ? (
        <img className="app-avatar-face" src={image} alt={isNamed ? '' : name} onError={() => setBroken(image)} />
      ) : (
        <span className={`app-avatar-face hue-${hueOf(name)}`} role={isNamed ? undefined : 'img'} aria-hidden={isNamed || undefined} aria-label={isNamed ? undefined : name || t('Nobody')}>
          {initialsOf(name) || '?'}
        </span>
      )}
      {isNamed ? (
        <span className="app-avatar-text">
          <span className="truncate">{name}</span>
          {caption ? <span className="truncate muted">{caption}</span> : null}
        </span>
      ) : null}
    </div>
  )
}
