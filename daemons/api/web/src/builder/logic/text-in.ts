/** A value of the document as a field shows it: a text as it is, anything else as JSON. */
export function textIn(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
