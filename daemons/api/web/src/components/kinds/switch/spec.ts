import { ToggleRight } from 'lucide-react'
import { type KindSpec, changes, flag, inputProperties, label } from '../../spec'

export const spec: KindSpec = {
  group: 'Inputs',
  text: 'Switch',
  icon: ToggleRight,
  baseName: 'toggle',
  size: { width: 6, height: 1 },
  properties: [label, flag('default-value', 'On at first', 'Until somebody changes it.'), ...inputProperties],
  events: changes,
  exposes: 'value, true or false',
  starts: { label: 'Switch' },
}
