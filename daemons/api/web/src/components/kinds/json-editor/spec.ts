import { FileBraces } from 'lucide-react'
import { type KindSpec, changes, flag, inputProperties, label, longText } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('JSON editor'),
  icon: FileBraces,
  baseName: 'json',
  size: { width: 12, height: 8 },
  properties: [
    label,
    longText('default-value', 'Default value', 'Any value: {{ table.selectedRow }}.'),
    flag('object-only', 'An object only'),
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, what is written, or the last that was JSON; text, as it is written; isValid',
  starts: { label: 'JSON', 'default-value': '{{ ({ name: "Ada" }) }}' },
}
