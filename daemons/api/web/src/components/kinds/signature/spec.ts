import { Signature } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Signature'),
  icon: Signature,
  baseName: 'signature',
  size: { width: 10, height: 5 },
  properties: [label, ...inputProperties],
  events: changes,
  exposes: 'value, {name, type, size, base64} of a PNG picture, or null',
  starts: { label: 'Signature' },
}
