import { CalendarRange } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Date range'),
  icon: CalendarRange,
  baseName: 'range',
  size: { width: 10, height: 2 },
  properties: [
    label,
    text('default-value', 'Default value', 'Such as {{ ({ from: "2026-11-01", to: "2026-11-30" }) }}.'),
    text('min', 'Earliest'),
    text('max', 'Latest'),
    text('max-days', 'Most days'),
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, {from, to} of days such as 2026-11-30, or null',
  starts: { label: 'Days' },
}
