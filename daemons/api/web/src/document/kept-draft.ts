/** A copy of unsaved changes in this browser: it outlives a lost connection, a reload and a crash, and goes when they are saved. */
import type { DraftStore } from './draft-store'

export interface KeptDraft<Document> {
  /** The revision that was changed. */
  revision: number
  document: Document
  /** When, in milliseconds. */
  at: number
}

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>

const settleMs = 400

export function draftKey(user: string, slug: string): string {
  return `bulkhead draft ${user} ${slug}`
}

export function readKept<Document>(storage: Storage, key: string): KeptDraft<Document> | undefined {
  try {
    const kept: unknown = JSON.parse(storage.getItem(key) ?? 'null')
    if (typeof kept !== 'object' || kept === null || !('revision' in kept) || !('document' in kept) || !('at' in kept)) return undefined
    return typeof kept.revision === 'number' && typeof kept.at === 'number' && typeof kept.document === 'object' && kept.document !== null ? (kept as KeptDraft<Document>) : undefined
  } catch {
    return undefined
  }
}

export function dropKept(storage: Storage, key: string): void {
  try {
    storage.removeItem(key)
  } catch {
    // Where nothing may be stored, nothing is.
  }
}

/** Keeps what is not saved, a moment after each change and when the page goes; returns what ends it. */
export function keepUnsaved<Document>(store: DraftStore<Document>, storage: Storage, key: string, page: Pick<Window, 'addEventListener' | 'removeEventListener'>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const write = () => {
    clearTimeout(timer)
    timer = undefined
    const { document, saved, revision } = store.getState()
    if (document === saved) return dropKept(storage, key)
    try {
      storage.setItem(key, JSON.stringify({ revision, document, at: Date.now() } satisfies KeptDraft<Document>))
    } catch {
      // It has no room for it: an old copy would be worse than none.
      dropKept(storage, key)
    }
  }
  const stop = store.subscribe((now, before) => {
    if (now.document === before.document && now.saved === before.saved) return
    if (now.document === now.saved) return write()
    timer ??= setTimeout(write, settleMs)
  })
  const leave = () => {
    if (timer !== undefined) write()
  }
  page.addEventListener('pagehide', leave)
  return () => {
    leave()
    stop()
    page.removeEventListener('pagehide', leave)
  }
}
