/** The values of one thing, each with its name. */
import { useMemo } from 'react'
import { textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { pairsOf } from './pairs'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const pairs = useMemo(() => pairsOf(read('data'), read('columns')), [read])
  if (pairs.length === 0) return <p className="muted app-empty">{textOf(read('empty-text')) || t('Nothing to show.')}</p>
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and the keyboard must reach it
    <div className="app-scroll" role="region" tabIndex={0} aria-label={textOf(read('label')) || props.name}>
      <dl className="app-pairs">
        {pairs.map(({ label, text }, index) => (
          <div key={index}>
            <dt>{label}</dt>
            <dd>{text || '–'}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
