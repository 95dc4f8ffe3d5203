import { ListChecks } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label, optionProperties, placeholder, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Multiselect'),
  icon: ListChecks,
  baseName: 'multiselect',
  size: { width: 8, height: 2 },
  properties: [label, ...optionProperties, placeholder, text('default-value', 'Default value', 'A list of values: {{ [1, 2] }}.'), text('max-chosen', 'Most choices'), ...inputProperties],
  events: changes,
  exposes: 'value, the list of what is chosen',
  starts: { label: 'Multiselect', options: [{ value: 'a', label: 'Option A' }, { value: 'b', label: 'Option B' }] },
}
