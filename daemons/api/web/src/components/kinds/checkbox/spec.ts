import { SquareCheck } from 'lucide-react'
import { type KindSpec, changes, flag, inputProperties, label } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Checkbox'),
  icon: SquareCheck,
  baseName: 'checkbox',
  size: { width: 6, height: 1 },
  properties: [label, flag('default-value', 'Ticked at first', 'Until somebody changes it.'), ...inputProperties],
  events: changes,
  exposes: 'value, true or false',
  starts: { label: 'Checkbox' },
}
