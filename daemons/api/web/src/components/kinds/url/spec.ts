import { Globe } from 'lucide-react'
import { type KindSpec, changes, defaultValue, inputProperties, label, placeholder } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('URL'),
  icon: Globe,
  baseName: 'url',
  size: { width: 8, height: 2 },
  properties: [label, placeholder, defaultValue, ...inputProperties],
  events: [...changes, ['submit', 'When Enter is pressed']],
  exposes: 'value, a text',
  starts: { label: 'URL' },
}
