import type { KindState } from '../../../runtime/kinds'
import { numberOf } from '../../../runtime/values'
import { pageSizeOf } from './paging'

export const state: KindState = {
  initial: { selectedRow: null, selectedIndex: -1, selectedRows: [], changes: [], newRows: [], page: 1, offset: 0, sort: null, filters: [], search: '', action: null, actionRow: null, expandedRow: null },
  initialOf: (properties) => ({ pageSize: pageSizeOf(numberOf(properties['page-size'])) }),
  methods: ['selectRow', 'clearSelection', 'setSearch', 'setFilters', 'clearFilters', 'sortBy', 'goToPage', 'addRow', 'save', 'discardChanges', 'export'],
}
