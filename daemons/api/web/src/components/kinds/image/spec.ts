import { Image } from 'lucide-react'
import { type KindSpec, choice, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Image'),
  icon: Image,
  baseName: 'image',
  size: { width: 6, height: 5 },
  properties: [
    longText('src', 'Source', "A data: address, such as {{ 'data:image/png;base64,' + query1.data }}, or a path of this server."),
    text('alt', 'What it shows', 'For those who cannot see it. Leave it out of mere decoration.'),
    choice('fit', 'Fit', [
      ['contain', 'All of it'],
      ['cover', 'Fills its place'],
    ]),
  ],
  events: [],
  exposes: 'nothing',
  starts: {},
}
