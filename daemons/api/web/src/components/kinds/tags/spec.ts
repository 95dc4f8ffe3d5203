import { Tags } from 'lucide-react'
import { type KindSpec, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Tags'),
  icon: Tags,
  baseName: 'tags',
  size: { width: 8, height: 1 },
  properties: [
    text('label', 'Label'),
    text('items', 'Items', 'A text, or a list: {{ table.selectedRow.labels }}.'),
    longText('tones', 'Tones', 'By item: {"paid": "success", "due": "warning"}. Also info and danger.'),
    text('empty-text', 'Text when empty'),
  ],
  events: [],
  exposes: 'nothing',
  starts: { items: '{{ ["one", "two"] }}' },
}
