import { Table2 } from 'lucide-react'
import { type KindSpec, choice, flag, flagOn, longText, text } from '../../spec'

export const spec: KindSpec = {
  group: 'Display',
  text: 'Table',
  icon: Table2,
  baseName: 'table',
  size: { width: 24, height: 9 },
  properties: [
    longText('data', 'Data', 'Rows of a query: {{ query1.rows }}.'),
    { key: 'columns', label: 'Columns', input: { kind: 'columns' } },
    text('key', 'Column of the key', 'What a row is known by: id when left out.'),
    choice('selection', 'Selecting', [
      ['single', 'One row'],
      ['multiple', 'Several rows'],
      ['none', 'None'],
    ]),
    flagOn('sortable', 'Sort by the heads'),
    flag('searchable', 'A field to search'),
    flag('filterable', 'Filters'),
    flag('column-menu', 'Menu of columns', 'Move, pin, hide and widen them.'),
    flag('exportable', 'Export', 'As CSV, Excel or JSON.'),
    flag('add-rows', 'Add rows'),
    text('detail', 'An open row shows', 'all: everything in it; or the name of a column. Rows open when it is set.'),
    longText('row-tones', 'Colours of rows', 'A column that holds success, warning, danger or info; or a list, one for each row: {{ query1.rows.map(r => r.open > 0 ? "warning" : "") }}.'),
    choice('paging', 'Pages', [
      ['client', 'All rows at once'],
      ['server', 'Page by page from a query'],
    ]),
    text('page-size', 'Rows of a page', 'Where a query brings pages; 50 when left out.'),
    text('row-count', 'Rows altogether', 'Where a query brings pages: {{ counted.rows[0].count }}.'),
    text('empty-text', 'Text when empty'),
  ],
  events: [
    ['row-select', 'When a row is selected'],
    ['row-action', 'When a button in a row is pressed'],
    ['row-expand', 'When a row is opened or closed'],
    ['edit', 'When a cell was edited'],
    ['save', 'When changes are to be saved'],
    ['cancel', 'When changes were given up'],
    ['page-change', 'When another page is asked for'],
    ['sort-change', 'When it is sorted'],
    ['filter-change', 'When filters change'],
    ['search-change', 'When it is searched'],
  ],
  exposes: 'selectedRow, selectedIndex, selectedRows; changes, newRows; action, actionRow, expandedRow; page, pageSize, offset, sort, filters, search',
  starts: { data: '' },
}
