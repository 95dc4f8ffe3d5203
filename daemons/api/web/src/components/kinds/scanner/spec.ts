import { ScanBarcode } from 'lucide-react'
import { type KindSpec, changes, flag, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Scanner'),
  icon: ScanBarcode,
  baseName: 'scanner',
  size: { width: 8, height: 8 },
  properties: [
    label,
    text('formats', 'Formats', 'Such as qr_code, ean_13. All when left out.'),
    flag('continuous', 'Goes on', 'After a code it looks for the next.'),
    ...inputProperties,
  ],
  events: [...changes, ['scan', 'When a code was read']],
  exposes: 'value, the text of the code; format, such as qr_code',
  starts: { label: 'Code' },
}
