/** The text of a file that n8n's editor has downloaded, before the server sees it. */
import { bytes } from '../../ui/format'
import { parseJson } from '../../document/json-text'

/** What the server reads of it at most. */
const mostBytes = 4 * 1024 * 1024
/** Nothing longer is parsed, or shown in a field: spaces between values are not sent, but there are not that many. */
const mostCharacters = 4 * mostBytes

/** The file's JSON as it is sent, or what to do about a text that is none. */
export function exportIn(text: string): { value: unknown } | { error: string } {
  if (isFarTooLong(text)) return tooLarge(text.length)
  if (text.trim() === '') return { error: "There is nothing in it. Download the workflow in n8n's editor and take that file." }
  const parsed = parseJson(text.trim())
  if ('error' in parsed) return { error: `${parsed.error.replace(/\.?$/, '.')} Download the workflow in n8n's editor and take that file as it is.` }
  const size = new TextEncoder().encode(JSON.stringify(parsed.value)).length
  return size > mostBytes ? tooLarge(size) : parsed
}

export function isFarTooLong(text: string): boolean {
  return text.length > mostCharacters
}

function tooLarge(size: number): { error: string } {
  return { error: `It has ${bytes(size)}, and the most is ${bytes(mostBytes)}. Delete pinned data in n8n and download it again.` }
}
