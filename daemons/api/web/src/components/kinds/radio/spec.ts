import { CircleDot } from 'lucide-react'
import { type KindSpec, changes, choice, defaultValue, inputProperties, label, optionProperties } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Radio'),
  icon: CircleDot,
  baseName: 'radio',
  size: { width: 6, height: 3 },
  properties: [
    label,
    ...optionProperties,
    choice('direction', 'Direction', [
      ['column', 'Below each other'],
      ['row', 'Beside each other'],
    ]),
    defaultValue,
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, that of the chosen option or null',
  starts: { label: 'Radio', options: [{ value: 'a', label: 'Option A' }, { value: 'b', label: 'Option B' }] },
}
