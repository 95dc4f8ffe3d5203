/** Saves the draft by itself, a moment after the last change, as long as this window is the one that edits. */
import { useEffect } from 'react'
import type { DraftStore } from '../../document/draft-store'

const settleMs = 1500
/** Somebody who never stops typing is saved all the same. */
const mostMs = 15_000

export function useAutosave<Document>(store: DraftStore<Document>, isAllowed: boolean): void {
  useEffect(() => {
    if (!isAllowed) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let since: number | undefined
    const save = async () => {
      timer = undefined
      since = undefined
      const { problem, document, saved } = store.getState()
      // After a refusal a person decides.
      if (problem || document === saved) return
      if (!navigator.onLine) return
      if (!(await store.save(true)) && !store.getState().problem && !store.getState().waits) schedule()
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
    window.addEventListener('online', online)
    return () => {
      clearTimeout(timer)
      stop()
      window.removeEventListener('online', online)
    }
  }, [store, isAllowed])
}
