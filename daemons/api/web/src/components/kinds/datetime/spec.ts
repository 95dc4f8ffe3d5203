import { CalendarClock } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Date and time'),
  icon: CalendarClock,
  baseName: 'datetime',
  size: { width: 8, height: 2 },
  properties: [label, text('default-value', 'Default value', 'Such as 2026-11-30T09:30Z, or the time of a row.'), text('min', 'Earliest'), text('max', 'Latest'), ...inputProperties],
  events: changes,
  exposes: 'value, an instant such as 2026-11-30T09:30:00.000Z, or null',
  starts: { label: 'Date and time' },
}
