import { CalendarDays } from 'lucide-react'
import { type KindSpec, choice, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Calendar'),
  icon: CalendarDays,
  baseName: 'calendar',
  size: { width: 16, height: 14 },
  properties: [
    longText('data', 'Events', 'Rows with title, start and end: {{ query1.rows }}.'),
    text('title-key', 'Column of titles'),
    text('start-key', 'Column of starts'),
    text('end-key', 'Column of ends'),
    text('tone-key', 'Column of colours'),
    text('default-value', 'Month at first', 'A day in it; this month when left out.'),
    choice('week-start', 'Weeks begin', [
      ['monday', 'On Monday'],
      ['sunday', 'On Sunday'],
    ]),
  ],
  events: [['select-event', 'When an event is chosen'], ['select-day', 'When a day is chosen'], ['month-change', 'When another month shows']],
  methods: [
    { name: 'goTo', text: 'Show the month of a day', parameters: [{ name: 'day', label: 'Day', hint: 'Such as 2026-11-30.' }] },
    { name: 'clearSelection', text: 'Choose nothing' },
  ],
  exposes: 'selectedEvent, the row or null; selectedDay, such as 2026-11-30, or null; month, such as 2026-11; from and to, the first and last day that show',
  starts: { data: '{{ [{ title: \'Review\', start: new Date().toISOString().slice(0, 10) }] }}' },
}
