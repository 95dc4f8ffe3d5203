import { ListTree } from 'lucide-react'
import { type KindSpec, flag, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Tree'),
  icon: ListTree,
  baseName: 'tree',
  size: { width: 8, height: 9 },
  properties: [
    longText('data', 'Data', 'Nested {label, children}, or rows with a parent: {{ query1.rows }}.'),
    text('label-key', 'Column of labels'),
    text('value-key', 'Column of values'),
    text('parent-key', 'Column of parents', 'Of rows: holds the value of the parent.'),
    flag('expanded', 'Open at first'),
    text('label', 'Name', 'For those who cannot see it.'),
    text('empty-text', 'Text when empty'),
  ],
  events: [['select', 'When a node is chosen']],
  methods: [
    { name: 'clearSelection', text: 'Choose nothing' },
    { name: 'expandAll', text: 'Open all nodes' },
    { name: 'collapseAll', text: 'Close all nodes' },
  ],
  exposes: 'selected, the node that was chosen last, or null; value, its value',
  starts: { data: '{{ [{ value: \'a\', label: \'Europe\', children: [{ value: \'b\', label: \'France\' }] }] }}' },
}
