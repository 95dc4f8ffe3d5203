import { PanelsTopLeft } from 'lucide-react'
import { type KindSpec, choice, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Navigation'),
  icon: PanelsTopLeft,
  baseName: 'navigation',
  size: { width: 24, height: 1 },
  properties: [
    { key: 'items', label: 'Items', hint: 'Values are names of pages, or addresses.', input: { kind: 'options' } },
    choice('direction', 'Direction', [
      ['row', 'Beside each other'],
      ['column', 'Below each other'],
    ]),
    text('label', 'Name', 'For those who cannot see it.'),
  ],
  events: [['click', 'When an item is chosen']],
  exposes: 'chosen, the value of the item that was chosen last, or null',
  starts: { items: [{ value: 'home', label: 'Home' }] },
}
