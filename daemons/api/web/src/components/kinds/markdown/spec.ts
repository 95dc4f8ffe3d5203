import { FileText } from 'lucide-react'
import { type KindSpec, longText } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Markdown'),
  icon: FileText,
  baseName: 'markdown',
  size: { width: 12, height: 5 },
  properties: [longText('value', 'Value', 'Headings, lists, tables, **bold**, *italic*, `code`, [links](/apps).')],
  events: [],
  exposes: 'value',
  starts: { value: '## Heading\n\nA paragraph with **bold** words and a list:\n\n- one\n- two' },
}
