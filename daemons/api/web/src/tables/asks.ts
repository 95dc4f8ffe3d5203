/** What the screens of tables ask the server. The tables are those of the built-in resource. */
import { queryOptions } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'
import type { RowFilter, RowSort, TableName } from '../api/types'

/** Rows of one request: what is scrolled over arrives in pages of so many. */
export const pageRows = 200

export interface RowsView {
  table: TableName
  filters: RowFilter[]
  sort: RowSort[]
}

export const tablesQuery = (resource: string) =>
  queryOptions({
    queryKey: ['tables', resource],
    retry: false,
    queryFn: async () => (await dataOf(api.GET('/api/v1/resources/{name}/tables', { params: { path: { name: resource } } }))).tables,
  })

export const rowsQuery = (resource: string, { table, filters, sort }: RowsView, page: number) =>
  queryOptions({
    queryKey: ['table-rows', resource, table, filters, sort, page],
    staleTime: 60_000,
    retry: false,
    queryFn: ({ signal }) =>
      dataOf(api.POST('/api/v1/resources/{name}/tables/rows', { params: { path: { name: resource } }, body: { table, filters, sort, offset: page * pageRows, limit: pageRows, count: page === 0 }, signal })),
  })

/** As it is written in addresses and headings: `orders`, or `shop.orders`. */
export function titleOf({ schema, name }: { schema: string; name: string }): string {
  return schema === 'public' ? name : `${schema}.${name}`
}
