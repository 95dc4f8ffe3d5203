import { CircleUser } from 'lucide-react'
import { type KindSpec, choice, flagOn, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Avatar'),
  icon: CircleUser,
  baseName: 'avatar',
  size: { width: 6, height: 1 },
  properties: [
    text('name', 'Name', '{{ current_user.name }}'),
    text('image', 'Picture', 'An address on this server.'),
    text('caption', 'Below the name'),
    choice('size', 'Size', [
      ['medium', 'Medium'],
      ['small', 'Small'],
      ['large', 'Large'],
    ]),
    flagOn('named', 'With the name'),
  ],
  events: [],
  exposes: 'nothing',
  starts: { name: '{{ current_user.name }}' },
}
