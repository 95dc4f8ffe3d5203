import { SquareDashed } from 'lucide-react'
import { type KindSpec, flagOn, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Containers',
  text: message('Container'),
  icon: SquareDashed,
  baseName: 'container',
  size: { width: 12, height: 7 },
  properties: [text('title', 'Title'), flagOn('framed', 'Frame')],
  events: [],
  exposes: 'nothing',
  starts: {},
}
