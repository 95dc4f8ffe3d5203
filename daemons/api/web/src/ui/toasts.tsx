/** Short messages at the corner. An error stays until it is closed. */
import { CircleAlert, Info, X } from 'lucide-react'
import { useStore } from 'zustand'
import { createStore } from 'zustand/vanilla'
import { Button } from './Button'

interface Toast {
  id: number
  text: string
  tone: 'info' | 'error'
}

const shownMs = 5000
const store = createStore<{ toasts: Toast[] }>(() => ({ toasts: [] }))
let count = 0

export function notify(text: string, tone: Toast['tone'] = 'info'): void {
  const toast = { id: ++count, text, tone }
  store.setState(({ toasts }) => ({ toasts: [...toasts.filter((other) => other.text !== text), toast].slice(-4) }))
  if (tone === 'info') setTimeout(() => close(toast.id), shownMs)
}

function close(id: number): void {
  store.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }))
}

export function Toasts() {
  const { toasts } = useStore(store)
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, tone }) => (
        <div key={id} className={tone === 'error' ? 'toast red' : 'toast'}>
          {tone === 'error' ? <CircleAlert className="icon" aria-hidden /> : <Info className="icon" aria-hidden />}
          <span className="grow">{text}</span>
          <Button variant="ghost" size="small" icon={X} label="Dismiss" onClick={() => close(id)} />
        </div>
      ))}
    </div>
  )
}
