/** Short messages at the corner. An error stays until it is closed. */
import { CircleAlert, CircleCheck, Info, TriangleAlert, X } from 'lucide-react'
import { useStore } from 'zustand'
import { createStore } from 'zustand/vanilla'
import { t } from '../messages/messages'
import { Button } from './Button'

type Tone = 'info' | 'success' | 'warning' | 'error'

interface Toast {
  id: number
  text: string
  tone: Tone
}

const icons = { info: Info, success: CircleCheck, warning: TriangleAlert, error: CircleAlert }
const colours: Record<Tone, string> = { info: 'toast', success: 'toast green', warning: 'toast amber', error: 'toast red' }

const shownMs = 5000
const store = createStore<{ toasts: Toast[] }>(() => ({ toasts: [] }))
let count = 0

export function notify(text: string, tone: Tone = 'info', durationMs: number | undefined = tone === 'error' ? undefined : shownMs): void {
  const toast = { id: ++count, text, tone }
  store.setState(({ toasts }) => ({ toasts: [...toasts.filter((other) => other.text !== text), toast].slice(-4) }))
  if (durationMs !== undefined) setTimeout(() => close(toast.id), durationMs)
}

function close(id: number): void {
  store.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }))
}

export function Toasts() {
  const { toasts } = useStore(store)
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, tone }) => {
        const Icon = icons[tone]
        return (
          <div key={id} className={colours[tone]}>
            <Icon className="icon" aria-hidden />
            <span className="grow">{text}</span>
            <Button variant="ghost" size="small" icon={X} label={t('Dismiss')} onClick={() => close(id)} />
          </div>
        )
      })}
    </div>
  )
}
