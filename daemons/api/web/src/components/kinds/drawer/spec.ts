import { PanelRight } from 'lucide-react'
import { type KindSpec, choice, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Containers',
  text: message('Drawer'),
  icon: PanelRight,
  baseName: 'drawer',
  size: { width: 10, height: 9 },
  properties: [
    text('title', 'Title'),
    choice('side', 'Edge', [
      ['right', 'Right'],
      ['left', 'Left'],
      ['bottom', 'Bottom'],
    ]),
    choice('size', 'Size', [
      ['medium', 'Medium'],
      ['small', 'Small'],
      ['wide', 'Wide'],
    ]),
  ],
  events: [['open', 'When it was opened'], ['close', 'When it was closed']],
  exposes: 'isOpen',
  starts: { title: 'Drawer' },
}
