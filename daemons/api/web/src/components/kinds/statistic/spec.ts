import { TrendingUp } from 'lucide-react'
import { figureOptions } from '../../figures'
import { type KindSpec, choice, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Statistic'),
  icon: TrendingUp,
  baseName: 'statistic',
  size: { width: 6, height: 3 },
  properties: [
    label,
    text('value', 'Value'),
    choice('format', 'Format', figureOptions),
    text('currency', 'Currency', 'Its code, such as EUR.'),
    text('decimals', 'Decimals'),
    text('trend', 'Trend', 'A share: 0.05 is 5 % more.'),
    choice('trend-good', 'Good is', [
      ['up', 'Up'],
      ['down', 'Down'],
    ]),
    text('hint', 'Hint', 'Small, below the figure.'),
  ],
  events: [],
  exposes: 'value',
  starts: { label: 'Statistic', value: '{{ 1234 }}' },
}
