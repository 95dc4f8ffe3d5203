import { Table2 } from 'lucide-react'
import { type KindSpec, longText, text } from '../../spec'

export const spec: KindSpec = {
  group: 'Display',
  text: 'Table',
  icon: Table2,
  baseName: 'table',
  size: { width: 24, height: 9 },
  properties: [longText('data', 'Data', 'Rows of a query: {{ query1.rows }}.'), { key: 'columns', label: 'Columns', input: { kind: 'columns' } }, text('empty-text', 'Text when empty')],
  events: [['row-select', 'When a row is selected']],
  exposes: 'selectedRow, selectedIndex',
  starts: { data: '' },
}
