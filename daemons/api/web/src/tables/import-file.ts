/** Sending a file piece by piece, and what is said of how it is imported. */
import { api, dataOf } from '../api/client'
import { isPassing } from '../api/problem'
import type { ColumnKind, ImportLook, ImportOutcome, ImportRun, TableDefinition } from '../api/types'
import { columnNames } from '../generate/csv'
import { CsvReader, type CsvRow } from './csv-reader'

/** A piece stays far below what a request may weigh, and below the rows of one piece. */
const pieceBytes = 512 * 1024
const pieceMaxRows = 2000
/** A piece that did not arrive is sent again, later each time. */
const pausesMs = [500, 2000, 5000]

export interface SentFile {
  import: string
  name: string
  /** The names as the file has them, and as a database takes them. */
  header: string[]
  look: ImportLook
}

export interface Choices {
  /** The name of a new table. */
  table: string
  /** For each column of the file: where it goes, or null for nowhere, and what it holds in a new table. */
  columns: { name: string | null; kind: ColumnKind }[]
  /** Which column of a new table is the key; null for one that is added. */
  key: string | null
}

interface Following {
  signal: AbortSignal
  onBegun: (id: string) => void
  onProgress: (bytes: number) => void
}

export async function sendFile(resource: string, file: File, { signal, onBegun, onProgress }: Following): Promise<SentFile> {
  const reader = new CsvReader()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let names: string[] | undefined
  let header: string[] = []
  let id: string | undefined
  let waiting: CsvRow[] = []
  let size = 0
  const take = async (rows: CsvRow[], isLast: boolean) => {
    for (const row of rows) {
      if (!names) {
        header = row.cells.map((cell) => cell ?? '')
        names = columnNames(row.cells)
        id = (await dataOf(api.POST('/api/v1/resources/{name}/tables/imports', { params: { path: { name: resource } }, body: { columns: names }, signal }))).import
        onBegun(id)
        continue
      }
      waiting.push(row)
      size += row.cells.reduce((sum, cell) => sum + (cell?.length ?? 4) + 4, 24)
      if (size >= pieceBytes || waiting.length >= pieceMaxRows) await flush()
    }
    if (isLast) await flush()
  }
  const flush = async () => {
    if (waiting.length > 0 && id) await sendPiece(resource, id, waiting, signal)
    waiting = []
    size = 0
  }
  let done = 0
  const stream = file.stream().getReader()
  for (let next = await stream.read(); !next.done; next = await stream.read()) {
    await take(reader.read(decoded(() => decoder.decode(next.value, { stream: true }))), false)
    done += next.value.byteLength
    onProgress(done)
  }
  await take(reader.read(decoded(() => decoder.decode()), true), true)
  if (!id || !names) throw new Error('The file is empty: its first line must have the names of the columns.')
  const look = await dataOf(api.GET('/api/v1/resources/{name}/tables/imports/{import}', { params: { path: { name: resource, import: id } }, signal }))
  if (look.rows === 0) throw new Error('The file has no rows below its first line.')
  return { import: id, name: file.name.replace(/\.[^.]*$/, ''), header, look }
}

function decoded(decode: () => string): string {
  try {
    return decode()
  } catch {
    throw new Error('The file is not in UTF-8: save it as CSV in UTF-8 and choose it again.')
  }
}

async function sendPiece(resource: string, id: string, rows: CsvRow[], signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await api.PUT('/api/v1/resources/{name}/tables/imports/{import}/rows', { params: { path: { name: resource, import: id } }, body: { rows }, signal })
      return
    } catch (error) {
      const pause = pausesMs[attempt]
      if (signal.aborted || pause === undefined || !isPassing(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
}

export function importFile(resource: string, file: SentFile, body: ImportRun): Promise<ImportOutcome> {
  return dataOf(api.POST('/api/v1/resources/{name}/tables/imports/{import}', { params: { path: { name: resource, import: file.import } }, body }))
}

/** What is proposed: types as the file tells, columns of the same name, the first column as the key where it tells rows apart by name and has no gaps. */
export function choicesFor({ look, name }: SentFile, into: TableDefinition | undefined): Choices {
  const columns = look.columns.map((column) => {
    const same = into?.columns.find((other) => other.name === column.name && !other.is_computed)
    return { name: into ? (same?.name ?? null) : column.name, kind: column.kind }
  })
  return { table: into?.name ?? (columnNames([name])[0] ?? 'rows').slice(0, 60), columns, key: null }
}

/** The name of the column that is added to number the rows. */
export function addedKey({ columns }: Choices): string {
  const taken = new Set(columns.map(({ name }) => name))
  let name = 'id'
  for (let number = 1; taken.has(name); number += 1) name = number === 1 ? 'row_id' : `row_id_${number}`
  return name
}

export function runOf(file: SentFile, choices: Choices, into: TableDefinition | undefined, accepted: number | undefined): ImportRun {
  const run: ImportRun = {
    rows: file.look.rows,
    table: into ? { schema: into.schema, name: into.name } : { schema: 'public', name: choices.table },
    columns: choices.columns.map(({ name }) => name),
    ...(accepted === undefined ? {} : { accept_rejected: accepted }),
  }
  if (into) return run
  const columns = choices.columns.flatMap(({ name, kind }) => (name === null ? [] : [{ name, kind }]))
  const key = choices.key ?? addedKey(choices)
  return { ...run, create: { columns: choices.key === null ? [{ name: key, kind: 'integer' as const, numbered: true }, ...columns] : columns, key: [key] } }
}
