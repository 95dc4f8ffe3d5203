/** An export that is under way: how far it is, and its end, by whoever asked for it or by itself. */
import { useEffect, useRef, useState } from 'react'
import { messageOf } from '../api/problem'
import { t } from '../messages/messages'
import { notify } from './toasts'

export type Exporting = (onBytes: (count: number) => void, signal: AbortSignal) => Promise<string>

/** Bytes that came between two drawings. */
const step = 512 * 1024

export function useExport() {
  const [count, setCount] = useState<number>()
  const running = useRef<AbortController>(null)
  useEffect(() => () => running.current?.abort(), [])
  const begin = async (work: Exporting) => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    setCount(0)
    try {
      let shown = 0
      const follow = (now: number) => {
        if (now - shown < step) return
        shown = now
        if (running.current === controller) setCount(now)
      }
      notify(await work(follow, controller.signal), 'success')
    } catch (error) {
      if (!controller.signal.aborted) notify(t('The rows could not be exported: {reason}', { reason: messageOf(error) }), 'error')
    } finally {
      if (running.current === controller) setCount(undefined)
    }
  }
  return { /** Bytes that have come; nothing while there is no export. */ count, begin, cancel: () => running.current?.abort() }
}
