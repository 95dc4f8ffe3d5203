import { Signature } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label } from '../../spec'

export const spec: KindSpec = {
  group: 'Inputs',
  text: 'Signature',
  icon: Signature,
  baseName: 'signature',
  size: { width: 10, height: 5 },
  properties: [label, ...inputProperties],
  events: changes,
  exposes: 'value, {name, type, size, base64} of a PNG picture, or null',
  starts: { label: 'Signature' },
}
