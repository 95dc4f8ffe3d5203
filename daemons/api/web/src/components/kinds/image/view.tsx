/** A picture, of data or of this server: the content security policy lets no other through. */
import { ImageOff } from 'lucide-react'
import { useState } from 'react'
import { textOf } from '../../../runtime/values'
import { shownImage } from '../../href'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const [failed, setFailed] = useState<string>()
  const given = textOf(read('src'))
  const src = shownImage(given, location.origin)
  const alt = textOf(read('alt'))
  if (src === undefined || failed === src) {
    const text = given === '' ? t('No image yet.') : src === undefined ? t('Images from other servers are not shown.') : t('This image cannot be shown.')
    return (
      <div className="app-image-none" role="img" aria-label={alt ? `${alt}. ${text}` : text}>
        <ImageOff className="icon" strokeWidth={1.5} aria-hidden />
        <span aria-hidden>{text}</span>
      </div>
    )
  }
  return <img className={textOf(read('fit')) === 'cover' ? 'app-image covers' : 'app-image'} src={src} alt={alt} onError={() => setFailed(src)} />
}
