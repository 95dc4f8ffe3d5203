/** Instants as the browser's field for them wants them: by the clocks of this browser, without a zone. */

export function localText(instant: unknown): string {
  const at = typeof instant === 'string' ? new Date(instant) : undefined
  if (!at || Number.isNaN(at.getTime())) return ''
  const two = (number: number) => String(number).padStart(2, '0')
  const time = at.getSeconds() === 0 ? `${two(at.getHours())}:${two(at.getMinutes())}` : `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${time}`
}
