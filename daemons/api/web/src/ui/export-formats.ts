/** What all rows of a query can be saved as. */
import type { ExportFormat } from '../api/types'

export const exportFormats: readonly (readonly [ExportFormat, string])[] = [
  ['csv', 'CSV'],
  ['csv-for-spreadsheets', 'CSV (Excel)'],
  ['ndjson', 'NDJSON'],
  ['json', 'JSON'],
]
