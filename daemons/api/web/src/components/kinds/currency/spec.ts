import { Banknote } from 'lucide-react'
import { type KindSpec, changes, defaultValue, inputProperties, label, placeholder, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Currency'),
  icon: Banknote,
  baseName: 'amount',
  size: { width: 6, height: 2 },
  properties: [
    label,
    placeholder,
    defaultValue,
    text('currency', 'Currency', 'A code such as EUR.'),
    text('min', 'Least'),
    text('max', 'Most'),
    ...inputProperties,
  ],
  events: [...changes, ['submit', 'When Enter is pressed']],
  exposes: 'value, a number or null',
  starts: { label: 'Amount', currency: 'EUR' },
}
