import { FileUp } from 'lucide-react'
import { type KindSpec, flag, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('File picker'),
  icon: FileUp,
  baseName: 'file',
  size: { width: 8, height: 3 },
  properties: [
    label,
    text('placeholder', 'Placeholder', 'Stands where files are dropped.'),
    text('accept', 'Kinds of files', 'Such as .csv, image/*.'),
    flag('multiple', 'Several files'),
    text('max-kb', 'Most KB', 'Of all together: 2816 when left out. More, up to 20480, where the server takes larger bodies.'),
    ...inputProperties,
  ],
  events: [['change', 'When files are chosen']],
  exposes: 'value, {name, type, size, base64} of the first file or null; files, the list of all',
  starts: { label: 'File' },
}
