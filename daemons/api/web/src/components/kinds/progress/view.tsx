/** How much of something is done. */
import { numberOf, textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { toneOf } from '../../tone'
import { valueLocale } from '../../../messages/messages'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const value = numberOf(read('value'))
  const most = numberOf(read('max')) ?? 100
  const share = value === null || most <= 0 ? null : Math.max(0, Math.min(1, value / most))
  const label = textOf(read('label'))
  const percent = share === null ? '' : share.toLocaleString(valueLocale, { style: 'percent', maximumFractionDigits: 0 })
  return (
    <div className="app-progress-bar">
      <span className="row caption">
        <span className="grow truncate">{label}</span>
        <span className="numeric">{percent}</span>
      </span>
      <div className="track" role="progressbar" aria-label={label || props.name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={share === null ? undefined : Math.round(share * 100)} aria-valuetext={percent || undefined}>
        <div className={`bar ${toneOf(textOf(read('tone')), 'accent')}`} style={{ width: `${(share ?? 0) * 100}%` }} />
      </div>
    </div>
  )
}
