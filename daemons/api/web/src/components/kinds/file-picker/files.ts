/** Files as expressions see them. */
import { numberOf } from '../../../runtime/values'
import { t, valueLocale } from '../../../messages/messages'

export interface PickedFile {
  name: string
  /** Its media type, such as `image/png`; empty when the browser knows none. */
  type: string
  size: number
  /** What is in it, in base64. */
  base64: string
}

/** In base64 a third more, which a server takes that nobody configured: `limits.body-bytes` is 4 MiB. */
const defaultKb = 2816
/** All of it is held in memory, and sent with a query. */
const mostKb = 20 * 1024
const mostFiles = 20

/** Bytes that the files may have together. */
export function byteLimit(maxKb: unknown): number {
  const kb = numberOf(maxKb)
  return Math.min(mostKb, kb === null || kb <= 0 ? defaultKb : kb) * 1024
}

/** Why files are not taken; nothing when they are. */
export function refusalOf(files: { name: string; size: number }[], limit: number): string | undefined {
  if (files.length > mostFiles) return t('Choose at most {count} files.', { count: mostFiles })
  const size = files.reduce((sum, file) => sum + file.size, 0)
  if (size <= limit) return undefined
  const [kb, most] = [Math.ceil(size / 1024).toLocaleString(valueLocale), Math.floor(limit / 1024).toLocaleString(valueLocale)]
  return files.length === 1 ? t('This file has {kb} KB; the most is {most} KB.', { kb, most }) : t('These files have {kb} KB together; the most is {most} KB.', { kb, most })
}

export async function readFile(file: File): Promise<PickedFile> {
  const { name, type, size } = file
  return { name, type, size, base64: base64Of(new Uint8Array(await file.arrayBuffer())) }
}

/** In parts: a call takes only so many arguments. Each is a multiple of three bytes, so that no padding stands between them. */
export function base64Of(data: Uint8Array): string {
  const part = 3 * 8192
  let text = ''
  for (let at = 0; at < data.length; at += part) text += btoa(String.fromCharCode(...data.subarray(at, at + part)))
  return text
}
