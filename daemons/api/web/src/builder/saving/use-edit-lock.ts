/** Who edits the app: this window says so every few seconds, and learns when it is somebody else. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { api, dataOf, ownRequest } from '../../api/client'

export interface EditLock {
  /** `asking` until the first answer; `lost` when it was ours and was taken. */
  state: 'asking' | 'ours' | 'theirs' | 'lost' | 'unknown'
  /** Who has it, when it is not ours. */
  holder: { name: string; isYou: boolean; since: string } | undefined
  takeOver: () => void
}

/** A third of the time after which the server takes a window for gone. */
const heartbeatMs = 20_000
const tabKey = 'bulkhead tab'

/** The window's own id: it is the same after a reload. */
function ownTab(): string {
  const known = sessionStorage.getItem(tabKey)
  if (known) return known
  const tab = newId()
  sessionStorage.setItem(tabKey, tab)
  return tab
}

/** `crypto.randomUUID` is there on secure origins alone. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

export function useEditLock(slug: string): EditLock {
  const [lock, setLock] = useState<Pick<EditLock, 'state' | 'holder'>>({ state: 'asking', holder: undefined })
  const wasOurs = useRef(false)
  const tab = useRef(ownTab())
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
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', seen)
      if (wasOurs.current) void fetch(`/api/v1/apps/${encodeURIComponent(slug)}/editing/${id}`, { method: 'DELETE', keepalive: true, headers: { ...ownRequest, 'content-type': 'application/json' } }).catch(() => {})
    }
  }, [ask, slug])
  return { ...lock, takeOver: () => void ask(true) }
}
