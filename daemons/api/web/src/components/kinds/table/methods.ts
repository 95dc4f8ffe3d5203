/** What actions and scripts can have a table do. Whatever a person could have done triggers the event of that. */
import type { Handle, Methods } from '../../../runtime/methods'
import { numberOf, textOf } from '../../../runtime/values'
import { rowsOf } from '../../rows'
import { operators } from './operators'
import { paged, pageSizeOf } from './paging'

const formats = ['csv', 'xlsx', 'json'] as const
const nothing = { selectedRow: null, selectedIndex: -1, selectedRows: [] }

/** What a person chose, or else the property. */
function pageSize({ held, read }: Handle): number {
  return pageSizeOf(numberOf(held()['pageSize']) ?? numberOf(read('page-size')))
}

/** Another order begins with the first page. */
function order(table: Handle, part: Record<string, unknown>, event: string): Promise<boolean> {
  table.set({ ...part, ...paged(1, pageSize(table)) })
  return table.trigger(event)
}

export const methods: Methods = {
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
  clearSelection: { parameters: [], run: ({ set }) => set(nothing) },
  setSearch: { parameters: ['text'], run: (table, text) => order(table, { search: textOf(text) }, 'search-change') },
  setFilters: {
    parameters: ['filters'],
    run: (table, filters) => {
      const known: readonly unknown[] = operators
      if (!Array.isArray(filters) || rowsOf(filters).filter(({ key, operator }) => typeof key === 'string' && known.includes(operator)).length !== filters.length) throw new Error(`filters are a list of {key, operator, value}, the operator one of ${operators.join(', ')}`)
      return order(table, { filters }, 'filter-change')
    },
  },
  clearFilters: { parameters: [], run: (table) => order(table, { filters: [], search: '' }, 'filter-change') },
  sortBy: {
    parameters: ['column', 'direction'],
    run: (table, column, direction) => {
      const key = textOf(column)
      return order(table, { sort: key === '' ? null : { key, direction: direction === 'descending' ? direction : 'ascending' } }, 'sort-change')
    },
  },
  goToPage: {
    parameters: ['page'],
    run: (table, page) => {
      table.set(paged(numberOf(page) ?? 1, pageSize(table)))
      return table.trigger('page-change')
    },
  },
  addRow: {
    parameters: ['values'],
    run: ({ held, set }, values) => {
      const [row = {}] = rowsOf([values])
      set({ newRows: [row, ...rowsOf(held()['newRows'])] })
    },
  },
  save: {
    parameters: [],
    run: async ({ set, trigger }) => {
      if (await trigger('save')) set({ changes: [], newRows: [] })
    },
  },
  discardChanges: {
    parameters: [],
    run: ({ set, trigger }) => {
      set({ changes: [], newRows: [] })
      return trigger('cancel')
    },
  },
  export: {
    parameters: ['format'],
    run: async (table, given) => {
      const format = formats.find((one) => one === textOf(given || 'csv'))
      if (!format) throw new Error(`a table is saved as ${formats.join(', ')}`)
      const { exportTable } = await import('./export')
      await exportTable(table, format)
    },
  },
}
