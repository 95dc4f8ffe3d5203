import { Rows3 } from 'lucide-react'
import { type KindSpec, choice, flagOn, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Containers',
  text: message('List view'),
  icon: Rows3,
  baseName: 'list',
  size: { width: 12, height: 10 },
  properties: [
    longText('data', 'Items', 'Rows of a query, or any list: {{ query1.rows }}.'),
    choice('direction', 'Direction', [
      ['column', 'Below each other'],
      ['row', 'Beside each other'],
    ]),
    text('item-height', 'Rows of an item', 'In rows of the grid; what fits when left out.'),
    flagOn('framed', 'Frame around items'),
    text('page-size', 'Items at first', '20 when left out, at most 100: a button brings more.'),
    text('empty-text', 'Text when empty'),
  ],
  events: [],
  methods: [
    { name: 'showMore', text: 'Show more items' },
    { name: 'scrollTo', text: 'Scroll to an item', parameters: [{ name: 'index', label: 'Item', hint: 'The first is 0.' }] },
  ],
  exposes: 'values, a list of what the inputs of each item hold, by their names; item and index, those whose handler ran last',
  starts: { data: '{{ [{ name: \'First\' }, { name: \'Second\' }] }}' },
}
