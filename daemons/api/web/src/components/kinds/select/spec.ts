import { ListFilter } from 'lucide-react'
import { type KindSpec, changes, defaultValue, flagOn, inputProperties, label, optionProperties, placeholder } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Select'),
  icon: ListFilter,
  baseName: 'select',
  size: { width: 6, height: 2 },
  properties: [label, ...optionProperties, placeholder, defaultValue, flagOn('clearable', 'Can be cleared'), ...inputProperties],
  events: changes,
  exposes: 'value, that of the chosen option or null',
  starts: { label: 'Select', options: [{ value: 'a', label: 'Option A' }, { value: 'b', label: 'Option B' }] },
}
