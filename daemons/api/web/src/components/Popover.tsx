/** A small panel at a button, above everything. The browser closes it on Escape, and when something else is pressed. */
import { type ReactNode, useLayoutEffect, useRef } from 'react'

interface Props {
  /** What it belongs to. */
  anchor: HTMLElement | null
  label: string
  role?: 'dialog' | 'menu' | 'group'
  onClose: () => void
  children: ReactNode
}

const gap = 4
const margin = 8

export function Popover({ anchor, label, role = 'dialog', onClose, children }: Props) {
  const panel = useRef<HTMLDivElement>(null)
  const close = useRef(onClose)
  close.current = onClose
  useLayoutEffect(() => {
    const element = panel.current
    if (!element || !anchor) return
    element.showPopover()
    const { left, bottom, top } = anchor.getBoundingClientRect()
    const { offsetWidth, offsetHeight } = element
    const isAbove = bottom + gap + offsetHeight > window.innerHeight && top > offsetHeight
    element.style.left = `${Math.max(margin, Math.min(left, window.innerWidth - offsetWidth - margin))}px`
    element.style.top = `${isAbove ? top - gap - offsetHeight : Math.max(margin, Math.min(bottom + gap, window.innerHeight - offsetHeight - margin))}px`
    element.querySelector<HTMLElement>('input, select, textarea, button')?.focus()
    const toggled = (event: Event) => {
      if ((event as ToggleEvent).newState === 'closed') close.current()
    }
    element.addEventListener('toggle', toggled)
    return () => element.removeEventListener('toggle', toggled)
  }, [anchor])
  return (
    <div ref={panel} popover="auto" role={role} aria-label={label} className="app-panel" onKeyDown={(event) => event.stopPropagation()}>
      {children}
    </div>
  )
}
