/** What a grid shows in its columns: which, how wide, how formatted. */

export interface GridColumn {
  key: string
  label: string
  format?: string
  isNumeric: boolean
}

const sampleRows = 60
const pixelsPerCharacter = 7.4
const padding = 30
const [minWidth, maxWidth] = [72, 320]

/** Columns from a table's `columns` property, or from the data itself. */
export function columnsOf(declared: unknown, rows: Record<string, unknown>[]): GridColumn[] {
  const fromData = Object.keys(rows[0] ?? {}).map((key) => ({ key, label: undefined, format: undefined }))
  const given = Array.isArray(declared) && declared.length > 0 ? declared.flatMap(declaredColumn) : fromData
  return given.map(({ key, label, format }) => {
    const values = rows.slice(0, sampleRows).map((row) => row[key]).filter((value) => value !== null && value !== undefined)
    const isNumeric = ['number', 'currency', 'percent'].includes(format ?? '') || (!format && values.length > 0 && values.every(isNumber))
    return { key, label: label ?? titleOf(key), isNumeric, ...(format === undefined ? {} : { format }) }
  })
}

function declaredColumn(value: unknown): { key: string; label: string | undefined; format: string | undefined }[] {
  if (typeof value === 'string') return [{ key: value, label: undefined, format: undefined }]
  if (typeof value !== 'object' || value === null || !('key' in value) || typeof value.key !== 'string') return []
  const text = (item: unknown) => (typeof item === 'string' && item !== '' ? item : undefined)
  const { label, format } = value as { label?: unknown; format?: unknown }
  return [{ key: value.key, label: text(label), format: text(format) }]
}

/** `order_total` -> `Order total`. */
export function titleOf(key: string): string {
  const words = key.replace(/([a-z\d])([A-Z])/g, '$1 $2').replaceAll('_', ' ').trim()
  return words === '' ? key : words[0]?.toUpperCase() + words.slice(1)
}

function isNumber(value: unknown): boolean {
  // Decimals come as texts, since a JavaScript number would round them.
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+\.\d+$/.test(value))
}

const date = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })
const dateTime = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })
const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })

export function cellText(value: unknown, column: GridColumn): string {
  if (value === null || value === undefined) return ''
  switch (column.format) {
    case 'currency':
      return Number.isNaN(Number(value)) ? String(value) : money.format(Number(value))
    case 'number':
      return Number.isNaN(Number(value)) ? String(value) : Number(value).toLocaleString('en')
    case 'percent':
      return Number.isNaN(Number(value)) ? String(value) : percent.format(Number(value))
    case 'date':
    case 'datetime': {
      const at = new Date(String(value))
      return Number.isNaN(at.getTime()) ? String(value) : (column.format === 'date' ? date : dateTime).format(at)
    }
  }
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** `grid-template-columns`: each as wide as its content asks for, the rest shared. */
export function columnWidths(columns: GridColumn[], rows: Record<string, unknown>[]): string {
  return columns
    .map((column) => {
      const longest = rows.slice(0, sampleRows).reduce((most, row) => Math.max(most, cellText(row[column.key], column).length), column.label.length + 2)
      const width = Math.round(Math.min(maxWidth, Math.max(minWidth, longest * pixelsPerCharacter + padding)))
      return `minmax(${width}px, ${width}fr)`
    })
    .join(' ')
}
