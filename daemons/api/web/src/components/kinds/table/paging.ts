/** Pages of a table whose rows the server brings page by page. */

export const pageSizes = [10, 25, 50, 100, 250, 500, 1000]
const usual = 50
const most = 10_000

export function pageSizeOf(given: number | null): number {
  return given === null || given < 1 ? usual : Math.min(most, Math.round(given))
}

/** What expressions see of a page. */
export function paged(page: number, pageSize: number): { page: number; pageSize: number; offset: number } {
  const at = Math.max(1, Math.round(page))
  return { page: at, pageSize, offset: (at - 1) * pageSize }
}

/** How many pages there are; nothing as long as nobody says how many rows. */
export function pageCount(rowCount: number | null, pageSize: number): number | undefined {
  return rowCount === null ? undefined : Math.max(1, Math.ceil(rowCount / pageSize))
}
