/** Filters and order of a table as they stand in its address. What the table does not have any more is passed by. */
import type { RowFilter, RowSort, TableDefinition } from '../api/types'

export const operators = {
  contains: 'contains',
  equal: '=',
  unequal: '≠',
  less: '<',
  'less-or-equal': '≤',
  greater: '>',
  'greater-or-equal': '≥',
  'is-null': 'is null',
  'is-not-null': 'is not null',
} as const satisfies Record<RowFilter['operator'], string>

export interface TableAddress {
  schema?: string | undefined
  tab?: 'structure' | undefined
  filter?: RowFilter[] | undefined
  sort?: RowSort[] | undefined
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

export function addressOf(search: Record<string, unknown>): TableAddress {
  const filter = (Array.isArray(search.filter) ? search.filter : []).filter((one: unknown): one is RowFilter => isObject(one) && typeof one.column === 'string' && typeof one.operator === 'string' && one.operator in operators)
  const sort = (Array.isArray(search.sort) ? search.sort : []).filter((one: unknown): one is RowSort => isObject(one) && typeof one.column === 'string')
  return {
    ...(typeof search.schema === 'string' ? { schema: search.schema } : {}),
    ...(search.tab === 'structure' ? { tab: 'structure' as const } : {}),
    ...(filter.length > 0 ? { filter: filter.map(({ column, operator, value }) => ({ column, operator, value: String(value ?? '') })) } : {}),
    ...(sort.length > 0 ? { sort: sort.map(({ column, descending }) => ({ column, descending: descending === true })) } : {}),
  }
}

const has = ({ columns }: TableDefinition, column: string) => columns.some(({ name }) => name === column)

export function filtersIn(filters: RowFilter[] | undefined, table: TableDefinition): RowFilter[] {
  return (filters ?? []).filter(({ column }) => has(table, column))
}

export function sortIn(sort: RowSort[] | undefined, table: TableDefinition): RowSort[] {
  return (sort ?? []).filter(({ column }) => has(table, column))
}
