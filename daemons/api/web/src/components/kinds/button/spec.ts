import { RectangleHorizontal } from 'lucide-react'
import { type KindSpec, choice, flag, label } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Button'),
  icon: RectangleHorizontal,
  baseName: 'button',
  size: { width: 4, height: 1 },
  properties: [
    label,
    choice('variant', 'Look', [
      ['secondary', 'Secondary'],
      ['primary', 'Primary'],
      ['danger', 'Danger'],
    ]),
    flag('disabled', 'Disabled', 'Or an expression such as {{ !customers.selectedRow }}.'),
  ],
  events: [['click', 'When it is pressed']],
  exposes: 'nothing',
  starts: { label: 'Button' },
}
