import { History } from 'lucide-react'
import { type KindSpec, flag, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Timeline'),
  icon: History,
  baseName: 'timeline',
  size: { width: 8, height: 8 },
  properties: [
    longText('data', 'Data', 'Rows with title, text, time and tone: {{ query1.rows }}.'),
    text('title-key', 'Column of titles'),
    text('text-key', 'Column of texts'),
    text('time-key', 'Column of times'),
    text('tone-key', 'Column of colours'),
    flag('newest-first', 'The newest first'),
    text('empty-text', 'Text when empty'),
  ],
  events: [['select', 'When an event is chosen']],
  methods: [{ name: 'clearSelection', text: 'Choose nothing' }],
  exposes: 'selected, the row of the event that was chosen last, or null',
  starts: { data: '{{ [{ title: \'Created\', time: \'2026-11-02T09:30Z\' }, { title: \'Shipped\', time: \'2026-11-05T14:00Z\', tone: \'success\' }] }}' },
}
