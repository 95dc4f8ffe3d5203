import type { KindState } from '../../../runtime/kinds'
import { numberOf } from '../../../runtime/values'
import { pageSizeOf } from './paging'

export const state: KindState = {
  initial: { selectedRow: null, selectedIndex: -1, selectedRows: [], changes: [], newRows: [], page: 1, offset: 0, sort: null, filters: [], search: '', action: null, actionRow: null, expandedRow: null },
  initialOf: (properties) => ({ pageSize: pageSizeOf(numberOf(properties['page-size'])) }),
  methods: {
    selectRow: {
      parameters: ['index'],
      run: ({ read, set, trigger }, given) => {
        const rows = read('data')
        const index = numberOf(given) ?? -1
        const row: unknown = Array.isArray(rows) ? rows[index] : undefined
        if (typeof row !== 'object' || row === null) throw new Error(`there is no row ${String(given)}: the first is 0`)
        set({ selectedRow: row, selectedIndex: index, selectedRows: [row] })
        return trigger('row-select')
      },
    },
    clearSelection: { parameters: [], run: ({ set }) => set({ selectedRow: null, selectedIndex: -1, selectedRows: [] }) },
  },
}
