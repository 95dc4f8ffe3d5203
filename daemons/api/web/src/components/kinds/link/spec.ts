import { Link } from 'lucide-react'
import { type KindSpec, flag, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Link'),
  icon: Link,
  baseName: 'link',
  size: { width: 6, height: 1 },
  properties: [label, text('href', 'Address', 'https:, http:, mailto: or tel:, or a path of this server such as /apps/orders.'), flag('new-tab', 'Open in a new tab'), flag('disabled', 'Disabled')],
  events: [['click', 'When it is followed']],
  exposes: 'nothing',
  starts: { label: 'Link', href: '/' },
}
