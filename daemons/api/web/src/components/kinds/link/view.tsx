/** A link to another page or address. */
import { ExternalLink } from 'lucide-react'
import { flagOf, textOf } from '../../../runtime/values'
import { safeHref } from '../../href'
import { type ViewProps, useProperties, useRuntime } from '../../runtime-context'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const read = useProperties(props)
  const address = textOf(read('href'))
  const href = safeHref(address)
  const label = textOf(read('label')) || address || props.name
  const isNew = flagOf(read('new-tab'))
  if (href === undefined || flagOf(read('disabled'))) {
    return (
      <span className="app-link muted" title={address && href === undefined ? t('This address cannot be opened.') : undefined}>
        {label}
      </span>
    )
  }
  return (
    <a className="app-link" href={href} {...(isNew ? { target: '_blank', rel: 'noopener noreferrer' } : {})} onClick={() => void runtime.trigger(props.name, 'click')}>
      <span className="truncate">{label}</span>
      {isNew ? (
        <>
          <ExternalLink className="icon" size={14} strokeWidth={1.5} aria-hidden />
          <span className="visually-hidden">, opens in a new tab</span>
        </>
      ) : null}
    </a>
  )
}
