/** Links to the pages of the app and elsewhere. */
import { ExternalLink } from 'lucide-react'
import { useMemo } from 'react'
import { textOf } from '../../../runtime/values'
import { optionsOf } from '../../choice/options'
import '../../display.css'
import { isElsewhere, safeHref } from '../../href'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const page = useRuntimeState((state) => state.page)
  const items = useMemo(() => optionsOf((property) => read(property === 'options' ? 'items' : property)), [read])
  const choose = (value: unknown) => {
    runtime.setComponent(name, { chosen: value })
    void runtime.trigger(name, 'click')
  }
  return (
    <nav className={textOf(read('direction')) === 'column' ? 'app-navigation column' : 'app-navigation'} aria-label={textOf(read('label')) || name}>
      <ul>
        {items.map((item) => {
          const target = textOf(item.value)
          if (runtime.hasPage(target)) {
            return (
              <li key={target}>
                <button
                  type="button"
                  className="app-navigation-item"
                  aria-current={target === page ? 'page' : undefined}
                  onClick={() => {
                    choose(item.value)
                    if (target !== page) runtime.openPage(target)
                  }}
                >
                  {item.label}
                </button>
              </li>
            )
          }
          const href = /[/:#?]/.test(target) ? safeHref(target) : undefined
          const leaves = href !== undefined && isElsewhere(href, location.origin)
          return (
            <li key={target}>
              {href ? (
                <a className="app-navigation-item" href={href} {...(leaves ? { target: '_blank', rel: 'noopener noreferrer' } : {})} onClick={() => choose(item.value)}>
                  {item.label}
                  {leaves ? <ExternalLink className="icon" size={13} strokeWidth={1.5} aria-label={t('opens in a new tab')} /> : null}
                </a>
              ) : (
                <span className="app-navigation-item muted" title={t('There is no page of this name.')}>
                  {item.label}
                </span>
              )}
            </li>
          )
        })}
      </ul>
    </nav>
  )
}
