/** Saves the draft by itself, a moment after the last change, as long as this window is the one that edits. */
import { useEffect } from 'react'
import { isPassing, isProblem } from '../../api/problem'
import type { DraftStore } from '../../document/draft-store'

const settleMs = 1500
/** Somebody who never stops typing is saved all the same. */
const mostMs = 15_000
/** How long until it is tried again after the network or the server failed: twice as long each time. */
const retryMs = 5000
const mostRetryMs = 60_000

type Page = Pick<Window, 'addEventListener' | 'removeEventListener'> & { navigator: Pick<Navigator, 'onLine'> }

export function useAutosave<Document>(store: DraftStore<Document>, isAllowed: boolean): void {
  useEffect(() => (isAllowed ? autosave(store, window) : undefined), [store, isAllowed])
}

/** Saves from now on; returns what ends it. */
export function autosave<Document>(store: DraftStore<Document>, page: Page): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let since: number | undefined
  let failures = 0
  let isEnded = false
  const save = async () => {
    timer = undefined
    since = undefined
    const { problem, document, saved, isSaving } = store.getState()
    if (document === saved || isForPeople(problem) || !page.navigator.onLine) return
    if (isSaving) return schedule()
    await store.save(true)
    failures = isPassing(store.getState().problem) ? failures + 1 : 0
    // A change that was made meanwhile has its own time.
    if (failures > 0 && !isEnded) timer ??= setTimeout(() => void save(), Math.min(mostRetryMs, retryMs * 2 ** (failures - 1)))
  }
  const schedule = () => {
    const now = Date.now()
    since ??= now
    clearTimeout(timer)
    timer = setTimeout(() => void save(), Math.max(0, Math.min(settleMs, since + mostMs - now)))
  }
  const stop = store.subscribe((now, before) => {
    if (now.document !== before.document && now.document !== now.saved) schedule()
  })
  const online = () => {
    const { document, saved } = store.getState()
    if (document !== saved) schedule()
  }
  online()
  page.addEventListener('online', online)
  return () => {
    isEnded = true
    clearTimeout(timer)
    stop()
    page.removeEventListener('online', online)
  }
}

/** Whether a person decides what becomes of it. A document that is not sound is mended by the next change. */
function isForPeople(problem: unknown): boolean {
  return problem !== undefined && !isPassing(problem) && !isProblem(problem, 'document-invalid')
}
