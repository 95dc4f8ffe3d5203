import { LetterText } from 'lucide-react'
import { type KindSpec, changes, defaultValue, inputProperties, label, placeholder, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Text area'),
  icon: LetterText,
  baseName: 'textArea',
  size: { width: 8, height: 4 },
  properties: [label, placeholder, { ...defaultValue, input: { kind: 'text', isLong: true } }, text('min-length', 'Least characters'), text('max-length', 'Most characters'), ...inputProperties],
  events: changes,
  exposes: 'value, a text',
  starts: { label: 'Label' },
}
