import { ClipboardList } from 'lucide-react'
import { type KindSpec, flag, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Containers',
  text: message('Form'),
  icon: ClipboardList,
  baseName: 'form',
  size: { width: 12, height: 8 },
  properties: [
    text('title', 'Title'),
    text('submit-label', 'Text of the button'),
    flag('reset-after', 'Reset after it was sent', 'Its inputs hold their defaults again.'),
    flag('resettable', 'A button to reset'),
    flag('disabled', 'Disabled', 'It cannot be sent.'),
  ],
  events: [['submit', 'When it is sent']],
  methods: [{ name: 'submit', text: 'Send it, as its button does' }],
  exposes: 'data, the values of its inputs by name as they were sent last, or null',
  starts: { title: 'Form' },
}
