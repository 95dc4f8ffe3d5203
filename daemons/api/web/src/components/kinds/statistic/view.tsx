/** A figure, and how it moves. */
import { Minus, TrendingDown, TrendingUp } from 'lucide-react'
import { numberOf, textOf } from '../../../runtime/values'
import '../../display.css'
import { figureText } from '../../figures'
import { type ViewProps, useProperties } from '../../runtime-context'
import { valueLocale } from '../../../messages/messages'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const style = { format: textOf(read('format')) || 'number', currency: textOf(read('currency')), decimals: numberOf(read('decimals')) }
  const text = figureText(read('value'), style, valueLocale)
  const trend = numberOf(read('trend'))
  const hint = textOf(read('hint'))
  return (
    <div className="app-statistic">
      <span className="caption">{textOf(read('label')) || props.name}</span>
      <span className="figure">{text || '–'}</span>
      {trend !== null || hint ? (
        <span className="below">
          {trend === null ? null : <Trend value={trend} isDownGood={textOf(read('trend-good')) === 'down'} />}
          {hint}
        </span>
      ) : null}
    </div>
  )
}

function Trend({ value, isDownGood }: { value: number; isDownGood: boolean }) {
  const Icon = value > 0 ? TrendingUp : value < 0 ? TrendingDown : Minus
  const tone = value === 0 ? '' : value > 0 === isDownGood ? 'bad' : 'good'
  return (
    <span className={`trend ${tone}`}>
      <Icon className="icon" size={14} strokeWidth={1.5} aria-hidden />
      <span className="visually-hidden">{value > 0 ? 'up by' : value < 0 ? 'down by' : 'unchanged'}</span>
      {Math.abs(value).toLocaleString(valueLocale, { style: 'percent', maximumFractionDigits: 1 })}
    </span>
  )
}
