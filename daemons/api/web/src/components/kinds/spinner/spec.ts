import { LoaderCircle } from 'lucide-react'
import { type KindSpec, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Spinner'),
  icon: LoaderCircle,
  baseName: 'spinner',
  size: { width: 6, height: 1 },
  properties: [text('label', 'Label', 'Hide it by an expression such as {{ !query1.loading }}.')],
  events: [],
  exposes: 'nothing',
  starts: { label: 'Loading…' },
}
