import { SquareKanban } from 'lucide-react'
import { type KindSpec, flag, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Kanban'),
  icon: SquareKanban,
  baseName: 'board',
  size: { width: 24, height: 12 },
  properties: [
    longText('data', 'Cards', 'Rows of a query: {{ query1.rows }}.'),
    { key: 'lanes', label: 'Lanes', hint: 'Values of the column of lanes; those of the data when left out.', input: { kind: 'options' } },
    text('lane-key', 'Column of lanes'),
    text('title-key', 'Column of titles'),
    text('text-key', 'Column of texts'),
    text('tag-key', 'Column of tags'),
    text('key', 'Column of the key'),
    flag('disabled', 'Disabled'),
  ],
  events: [['move', 'When a card was moved'], ['select', 'When a card is chosen']],
  methods: [{ name: 'clearSelection', text: 'Choose nothing' }],
  exposes: 'selected, the row of the card that was chosen last, or null; moved, {row, from, to} of the card that was moved last, or null',
  starts: { data: '{{ [{ id: 1, title: \'First\', status: \'To do\' }, { id: 2, title: \'Second\', status: \'Done\' }] }}' },
}
