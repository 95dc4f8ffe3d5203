/** A copy of unsaved changes in this browser: it outlives a lost connection, a reload and a crash, and goes when they are saved. */
import type { DraftStore } from './draft-store'

export interface KeptDraft<Document> {
  /** The revision that was changed. */
  revision: number
  document: Document
  /** When, in milliseconds. */
  at: number
}

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>

const settleMs = 400

/** Each window has its own: two that edit the same app do not take each other's away. */
export function draftKey(user: string, slug: string, windowId: string): string {
  return `bulkhead draft ${user} ${slug} ${windowId}`
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

/** The newest that another window has kept of the same app, be it open or long closed. What is saved by now goes. */
export function keptElsewhere<Document>(storage: Storage, own: string, saved: Document): { key: string; kept: KeptDraft<Document> } | undefined {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '')
  const others = keys.filter((key) => key !== own && key.startsWith(own.slice(0, own.lastIndexOf(' ') + 1)))
  const found = others.flatMap((key) => {
    const kept = readKept<Document>(storage, key)
    if (kept && JSON.stringify(kept.document) !== JSON.stringify(saved)) return [{ key, kept }]
    dropKept(storage, key)
    return []
  })
  return found.sort((a, b) => b.kept.at - a.kept.at)[0]
}

/** Makes what another window kept this one's. Without room for it, it stays where it is. */
export function takeKept(storage: Storage, from: string, to: string): void {
  try {
    storage.setItem(to, storage.getItem(from) ?? '')
    storage.removeItem(from)
  } catch {
    // The other window's copy is as good.
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
