import { Minus } from 'lucide-react'
import { type KindSpec, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Divider'),
  icon: Minus,
  baseName: 'divider',
  size: { width: 24, height: 1 },
  properties: [text('label', 'Label', 'Stands in the line.')],
  events: [],
  exposes: 'nothing',
  starts: {},
}
