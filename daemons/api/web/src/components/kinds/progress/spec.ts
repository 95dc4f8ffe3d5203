import { Loader } from 'lucide-react'
import { type KindSpec, choice, label, text } from '../../spec'
import { toneOptions } from '../../tone'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Progress'),
  icon: Loader,
  baseName: 'progress',
  size: { width: 8, height: 1 },
  properties: [label, text('value', 'Value'), text('max', 'Whole', '100 when left out.'), choice('tone', 'Tone', toneOptions)],
  events: [],
  exposes: 'value',
  starts: { label: 'Progress', value: '{{ 40 }}' },
}
