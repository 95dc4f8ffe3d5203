import { TextQuote } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label, longText, placeholder, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Rich text'),
  icon: TextQuote,
  baseName: 'richText',
  size: { width: 12, height: 7 },
  properties: [
    label,
    placeholder,
    longText('default-value', 'Default value', 'Markdown.'),
    text('max-length', 'Most characters'),
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, a text in Markdown',
  starts: { label: 'Text' },
}
