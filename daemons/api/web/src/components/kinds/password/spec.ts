import { KeyRound } from 'lucide-react'
import { type KindSpec, changes, flag, inputProperties, label, placeholder, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Password'),
  icon: KeyRound,
  baseName: 'password',
  size: { width: 8, height: 2 },
  properties: [
    label,
    placeholder,
    text('min-length', 'Least characters'),
    text('max-length', 'Most characters'),
    flag('new', 'A new one', 'Password managers then offer one.'),
    ...inputProperties,
  ],
  events: [...changes, ['submit', 'When Enter is pressed']],
  exposes: 'value, a text',
  starts: { label: 'Password' },
}
