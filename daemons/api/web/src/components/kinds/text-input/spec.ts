import { TextCursorInput } from 'lucide-react'
import { type KindSpec, changes, defaultValue, inputProperties, label, placeholder, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Text input'),
  icon: TextCursorInput,
  baseName: 'input',
  size: { width: 8, height: 2 },
  properties: [label, placeholder, defaultValue, text('min-length', 'Least characters'), text('max-length', 'Most characters'), ...inputProperties],
  events: [...changes, ['submit', 'When Enter is pressed']],
  exposes: 'value, a text',
  starts: { label: 'Label' },
}
