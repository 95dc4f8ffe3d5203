import { ListTree } from 'lucide-react'
import { type KindSpec, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Key-value'),
  icon: ListTree,
  baseName: 'details',
  size: { width: 8, height: 6 },
  properties: [longText('data', 'Data', 'One row: {{ table.selectedRow }}.'), { key: 'columns', label: 'Keys', input: { kind: 'columns' } }, text('label', 'Name', 'For those who cannot see it.'), text('empty-text', 'Text when empty')],
  events: [],
  exposes: 'data',
  starts: { data: '{{ ({ name: "Ada", city: "London" }) }}' },
}
