/** Who edits the app: this window says so every few seconds, and learns when it is somebody else. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { api, dataOf, ownRequest } from '../../api/client'
import { windowId } from './window-id'

export interface EditLock {
  /** `asking` until the first answer; `lost` when it was ours and was taken. */
  state: 'asking' | 'ours' | 'theirs' | 'lost' | 'unknown'
  /** Who has it, when it is not ours. */
  holder: { name: string; isYou: boolean; since: string } | undefined
  takeOver: () => void
}

/** A third of the time after which the server takes a window for gone. */
const heartbeatMs = 20_000

export function useEditLock(slug: string): EditLock {
  const [lock, setLock] = useState<Pick<EditLock, 'state' | 'holder'>>({ state: 'asking', holder: undefined })
  const wasOurs = useRef(false)
  const tab = useRef(windowId())
  const ask = useCallback(
    async (take_over: boolean) => {
      try {
        const editing = await dataOf(api.PUT('/api/v1/apps/{slug}/editing', { params: { path: { slug } }, body: { tab: tab.current, take_over } }))
        const holder = { name: editing.name, isYou: editing.is_you, since: editing.since }
        setLock(editing.is_yours ? { state: 'ours', holder: undefined } : { state: wasOurs.current ? 'lost' : 'theirs', holder })
        if (editing.is_yours) wasOurs.current = true
      } catch {
        // Offline, or the server is starting again. A save is still refused when somebody else saved.
        setLock((before) => (before.state === 'asking' ? { state: 'unknown', holder: undefined } : before))
      }
    },
    [slug],
  )
  useEffect(() => {
    void ask(false)
    const timer = setInterval(() => void ask(false), heartbeatMs)
    const seen = () => {
      if (document.visibilityState === 'visible') void ask(false)
    }
    document.addEventListener('visibilitychange', seen)
    const id = tab.current
    const leave = () => {
      if (wasOurs.current) void fetch(`/api/v1/apps/${encodeURIComponent(slug)}/editing/${id}`, { method: 'DELETE', keepalive: true, headers: { ...ownRequest, 'content-type': 'application/json' } }).catch(() => {})
    }
    // A window that is shut tells nothing else; one that comes back from the browser's memory asks anew.
    const back = ({ persisted }: PageTransitionEvent) => {
      if (persisted) void ask(false)
    }
    window.addEventListener('pagehide', leave)
    window.addEventListener('pageshow', back)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', seen)
      window.removeEventListener('pagehide', leave)
      window.removeEventListener('pageshow', back)
      leave()
    }
  }, [ask, slug])
  return { ...lock, takeOver: () => void ask(true) }
}
