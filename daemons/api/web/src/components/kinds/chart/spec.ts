import { ChartColumn } from 'lucide-react'
import { figureOptions } from '../../figures'
import { type KindSpec, choice, flag, flagOn, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Chart'),
  icon: ChartColumn,
  baseName: 'chart',
  size: { width: 12, height: 9 },
  properties: [
    longText('data', 'Data', 'Rows of a query: {{ query1.rows }}.'),
    choice('form', 'Form', [
      ['bar', 'Bars'],
      ['line', 'Lines'],
      ['area', 'Areas'],
      ['pie', 'Pie'],
      ['scatter', 'Scatter'],
      ['heat', 'Heat map'],
    ]),
    text('x', 'Column along', 'The first when left out.'),
    text('y', 'Columns of values', 'One, or several with commas; the numbers when left out.'),
    text('by', 'Column of series', 'Each value of it is a series; the rows of a heat map.'),
    flag('stacked', 'Stacked'),
    text('title', 'Title'),
    flagOn('legend', 'Legend'),
    choice('format', 'Values as', figureOptions),
    text('currency', 'Currency', 'Such as EUR.'),
    text('decimals', 'Decimals'),
  ],
  events: [['select', 'When a value is chosen']],
  methods: [{ name: 'clearSelection', text: 'Choose nothing' }],
  exposes: 'selected, {x, series, value, row} of what was chosen last, or null',
  starts: { data: "{{ [{ month: 'Jan', orders: 12 }, { month: 'Feb', orders: 19 }, { month: 'Mar', orders: 15 }] }}" },
}
