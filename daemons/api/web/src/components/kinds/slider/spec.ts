import { SlidersHorizontal } from 'lucide-react'
import { type KindSpec, changes, defaultValue, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Slider'),
  icon: SlidersHorizontal,
  baseName: 'slider',
  size: { width: 8, height: 2 },
  properties: [
    label,
    defaultValue,
    text('min', 'Least', '0 when left out.'),
    text('max', 'Most', '100 when left out.'),
    text('step', 'Step'),
    text('suffix', 'Behind the number', 'Such as %.'),
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, a number',
  starts: { label: 'Slider' },
}
