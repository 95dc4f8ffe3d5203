import { RectangleEllipsis } from 'lucide-react'
import { type KindSpec, choice, flag } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Button group'),
  icon: RectangleEllipsis,
  baseName: 'buttons',
  size: { width: 8, height: 1 },
  properties: [
    { key: 'buttons', label: 'Buttons', input: { kind: 'options' } },
    choice('variant', 'Look', [
      ['secondary', 'Secondary'],
      ['primary', 'The first is primary'],
    ]),
    choice('align', 'Stands', [
      ['start', 'At the left'],
      ['end', 'At the right'],
      ['fill', 'Over the whole width'],
    ]),
    flag('disabled', 'Disabled'),
  ],
  events: [['click', 'When one is pressed']],
  exposes: 'pressed, the value of the button that was pressed last, or null',
  starts: { buttons: [{ value: 'approve', label: 'Approve' }, { value: 'reject', label: 'Reject' }] },
}
