/** All rows of a query as a file. Loaded when somebody asks for one. */
import { t } from '../messages/messages'
import { bytes } from '../ui/format'
import { saveFile } from '../ui/save-file'
import { ownRequest } from './client'
import { ApiProblem, problemOf } from './problem'
import type { ExportFormat, Problem } from './types'

/** Bytes that are gathered before the browser takes them: it keeps what is large on a disk. */
const gathered = 4 * 1024 * 1024
/** The longest last line that says why a file is no whole one. */
const lastWords = 32 * 1024

export interface Export {
  /** The route, `/api/v1/apps/crm/queries/customers/export`. */
  path: string
  body: unknown
  format: ExportFormat
  /** Of the file, without its end. */
  name: string
}

/** Saves the file once it is whole, and says so; `onBytes` follows how much of it is there. */
export async function exportRows({ path, body, format, name }: Export, onBytes: (count: number) => void, signal: AbortSignal): Promise<string> {
  const response = await fetch(`${path}?format=${format}`, {
    method: 'POST',
    headers: { ...ownRequest, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  if (!response.ok) throw await problemOf(response)
  const file = await wholeFile(response, onBytes)
  const fileName = `${name}.${format.replace(/-.*/, '')}`
  saveFile(fileName, file, response.headers.get('content-type') ?? '')
  return t('All rows are in {file} ({size}).', { file: fileName, size: bytes(file.size) })
}

/** A body that was read to its end. One that breaks off has its reason on its last line. */
export async function wholeFile(response: Response, onBytes: (count: number) => void): Promise<Blob> {
  let file = new Blob([])
  let parts: Uint8Array<ArrayBuffer>[] = []
  let held = 0
  const take = () => {
    file = new Blob([file, ...parts])
    parts = []
    held = 0
    return file
  }
  const reader = response.body?.getReader()
  try {
    for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
      parts.push(next.value)
      held += next.value.byteLength
      onBytes(file.size + held)
      if (held > gathered) take()
    }
    return take()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw reasonIn(await take().slice(-lastWords).text()) ?? new Error(t('The export broke off after {size}, and nothing was saved. Try again.', { size: bytes(file.size) }))
  }
}

function reasonIn(end: string): ApiProblem | undefined {
  const line = end.trimEnd().split('\n').at(-1) ?? ''
  if (!line.startsWith('{"error":')) return undefined
  try {
    return new ApiProblem((JSON.parse(line) as { error: Problem }).error)
  } catch {
    return undefined
  }
}
