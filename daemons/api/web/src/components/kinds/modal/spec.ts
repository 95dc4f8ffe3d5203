import { AppWindow } from 'lucide-react'
import { type KindSpec, choice, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Containers',
  text: message('Modal'),
  icon: AppWindow,
  baseName: 'modal',
  size: { width: 14, height: 8 },
  properties: [
    text('title', 'Title'),
    choice('size', 'Size', [
      ['wide', 'Wide'],
      ['small', 'Small'],
    ]),
  ],
  events: [
    ['open', 'When it was opened'],
    ['close', 'When it was closed'],
  ],
  exposes: 'isOpen',
  starts: { title: 'Modal' },
}
