import { ListChecks } from 'lucide-react'
import { type KindSpec, changes, choice, defaultValue, inputProperties, label, optionProperties, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Checkbox group'),
  icon: ListChecks,
  baseName: 'checks',
  size: { width: 6, height: 3 },
  properties: [
    label,
    ...optionProperties,
    choice('direction', 'Direction', [
      ['column', 'Below each other'],
      ['row', 'Beside each other'],
    ]),
    text('min-chosen', 'Fewest'),
    text('max-chosen', 'Most'),
    defaultValue,
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, the list of those of the ticked options',
  starts: { label: 'Choose', options: [{ value: 'a', label: 'Option A' }, { value: 'b', label: 'Option B' }] },
}
