/** What became of each part of an app of Appsmith: notes as those of other imports, each once. */
import type { ImportLevel, ImportNote } from '../api/types'

const maxNotes = 2000

export class Report {
  readonly notes: ImportNote[] = []
  private readonly known = new Set<string>()

  add(level: ImportLevel, node: string | undefined, message: string, block?: string): void {
    const key = `${level} ${node ?? ''} ${message}`
    if (this.known.has(key) || this.notes.length >= maxNotes) return
    this.known.add(key)
    this.notes.push({ level, message, ...(node === undefined ? {} : { node }), ...(block === undefined ? {} : { block }) })
  }
}
