import { Clock } from 'lucide-react'
import { type KindSpec, changes, defaultValue, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Time'),
  icon: Clock,
  baseName: 'time',
  size: { width: 6, height: 2 },
  properties: [label, defaultValue, text('min', 'Earliest'), text('max', 'Latest'), ...inputProperties],
  events: changes,
  exposes: 'value, such as 09:30, or null',
  starts: { label: 'Time' },
}
