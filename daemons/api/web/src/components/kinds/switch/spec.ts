import { ToggleRight } from 'lucide-react'
import { type KindSpec, changes, flag, inputProperties, label } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Switch'),
  icon: ToggleRight,
  baseName: 'toggle',
  size: { width: 6, height: 1 },
  properties: [label, flag('default-value', 'On at first', 'Until somebody changes it.'), ...inputProperties],
  events: changes,
  exposes: 'value, true or false',
  starts: { label: 'Switch' },
}
