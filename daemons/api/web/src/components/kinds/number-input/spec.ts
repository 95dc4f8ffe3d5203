import { Hash } from 'lucide-react'
import { type KindSpec, changes, defaultValue, flagOn, inputProperties, label, placeholder, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Number'),
  icon: Hash,
  baseName: 'number',
  size: { width: 6, height: 2 },
  properties: [
    label,
    placeholder,
    defaultValue,
    text('min', 'Least'),
    text('max', 'Most'),
    text('step', 'Step', 'What the arrow keys add and take away: 1 when left out.'),
    text('decimals', 'Decimals', 'As many as were typed when left out.'),
    flagOn('thousands', 'Separate thousands'),
    text('prefix', 'Before the number', 'Such as €.'),
    text('suffix', 'Behind the number', 'Such as kg.'),
    ...inputProperties,
  ],
  events: [...changes, ['submit', 'When Enter is pressed']],
  exposes: 'value, a number or null',
  starts: { label: 'Number' },
}
