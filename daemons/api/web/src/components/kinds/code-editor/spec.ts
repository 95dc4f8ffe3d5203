import { Code } from 'lucide-react'
import { type KindSpec, changes, choice, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Code editor'),
  icon: Code,
  baseName: 'code',
  size: { width: 12, height: 8 },
  properties: [
    label,
    text('default-value', 'Default value'),
    choice('language', 'Language', [
      ['javascript', 'JavaScript'],
      ['sql', 'SQL'],
      ['python', 'Python'],
    ]),
    text('max-length', 'Most characters'),
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, a text',
  starts: { label: 'Code' },
}
