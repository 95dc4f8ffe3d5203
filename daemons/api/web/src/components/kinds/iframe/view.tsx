/** A page from elsewhere, in a sandbox. Only origins that the administrator listed are loaded. */
import { flagOf, textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { type FrameRefusal, listedOrigins, refusalOf } from './origins'

const words: Record<FrameRefusal, (origin: string) => string> = {
  address: () => t('This is no address of a page: it begins with https:// or http://.'),
  own: () => t('Pages of Bulkhead itself are not shown in frames.'),
  unlisted: (origin) => t('Pages of {origin} may not be shown: an administrator lists the origin in frame-origins of api.toml.', { origin }),
}

export function View(props: ViewProps) {
  const read = useProperties(props)
  const address = textOf(read('src')).trim()
  if (address === '') return <p className="muted app-empty">{t('No address yet.')}</p>
  const refusal = refusalOf(address, location.origin, listedOrigins())
  if (refusal) {
    return (
      <p className="app-unknown" role="status">
        {words[refusal](URL.canParse(address) ? new URL(address).origin : address)}
      </p>
    )
  }
  const allowed = ['allow-same-origin', flagOf(read('scripts') ?? true) ? 'allow-scripts' : '', flagOf(read('forms') ?? true) ? 'allow-forms' : '', flagOf(read('popups')) ? 'allow-popups' : '']
  return <iframe className="app-frame" title={textOf(read('title')) || props.name} src={address} sandbox={allowed.filter(Boolean).join(' ')} referrerPolicy="no-referrer" loading="lazy" />
}
