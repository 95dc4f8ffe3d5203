import { Type } from 'lucide-react'
import { type KindSpec, choice, longText } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Text'),
  icon: Type,
  baseName: 'text',
  size: { width: 12, height: 1 },
  properties: [
    longText('value', 'Value'),
    choice('style', 'Style', [
      ['body', 'Body'],
      ['heading', 'Heading'],
      ['muted', 'Muted'],
    ]),
  ],
  events: [],
  exposes: 'value',
  starts: { value: 'Some text', style: 'body' },
}
