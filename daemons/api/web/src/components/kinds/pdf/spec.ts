import { FileText } from 'lucide-react'
import { type KindSpec, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('PDF'),
  icon: FileText,
  baseName: 'pdf',
  size: { width: 12, height: 14 },
  properties: [
    longText('data', 'Document', 'A picked file, base64, or an address on this server.'),
    text('name', 'File name'),
  ],
  events: [],
  exposes: 'nothing',
  starts: {},
}
