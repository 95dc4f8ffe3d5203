import { Braces } from 'lucide-react'
import { type KindSpec, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('JSON'),
  icon: Braces,
  baseName: 'json',
  size: { width: 10, height: 6 },
  properties: [longText('data', 'Data', 'Any value: {{ query1.data }}.'), text('label', 'Name', 'For those who cannot see it.')],
  events: [],
  exposes: 'data',
  starts: { data: '{{ ({ a: [1, 2], b: "text" }) }}' },
}
