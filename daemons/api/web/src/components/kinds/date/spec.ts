import { Calendar } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Date'),
  icon: Calendar,
  baseName: 'date',
  size: { width: 6, height: 2 },
  properties: [label, text('default-value', 'Default value', 'Such as 2026-11-30, or the date of a row.'), text('min', 'Earliest'), text('max', 'Latest'), ...inputProperties],
  events: changes,
  exposes: 'value, such as 2026-11-30, or null',
  starts: { label: 'Date' },
}
