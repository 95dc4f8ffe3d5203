/** A button that opens a menu, by the mouse and by the keyboard. Its items are `MenuItem`s. */
import { Check, ChevronDown } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, createContext, useContext, useEffect, useRef, useState } from 'react'
import { Button } from './Button'
import type { IconType } from './icons'

interface Props {
  /** On the button. */
  text?: string
  /** On a button without a text. */
  icon?: IconType
  /** Names the menu. */
  label: string
  size?: 'small' | 'normal'
  isDisabled?: boolean
  children: ReactNode
}

const CloseMenu = createContext<() => void>(() => {})

export function MenuButton({ text, icon, label, size = 'normal', isDisabled = false, children }: Props) {
  const [isOpen, setOpen] = useState(false)
  const host = useRef<HTMLDivElement>(null)
  const items = () => [...(host.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])]
  const close = () => {
    setOpen(false)
    host.current?.querySelector('button')?.focus()
  }
  useEffect(() => {
    if (!isOpen) return
    const all = items()
    ;(all.find((item) => item.ariaChecked === 'true') ?? all[0])?.focus()
    const leave = (event: PointerEvent) => {
      if (event.target instanceof Node && !host.current?.contains(event.target)) setOpen(false)
    }
    window.addEventListener('pointerdown', leave)
    return () => window.removeEventListener('pointerdown', leave)
  }, [isOpen])
  const move = (event: KeyboardEvent) => {
    const all = items()
    const at = all.findIndex((item) => item === document.activeElement)
    const to = { ArrowDown: (at + 1) % all.length, ArrowUp: (at - 1 + all.length) % all.length, Home: 0, End: all.length - 1 }[event.key]
    if (event.key === 'Escape') close()
    else if (event.key === 'Tab') setOpen(false)
    else if (to !== undefined) {
      event.preventDefault()
      all[to]?.focus()
    }
  }
  return (
    <div className="menu-button" ref={host}>
      <Button size={size} variant={text ? 'secondary' : 'ghost'} icon={icon ?? ChevronDown} {...(text ? {} : { label })} aria-haspopup="menu" aria-expanded={isOpen} disabled={isDisabled} onClick={() => setOpen(!isOpen)}>
        {text}
      </Button>
      {isOpen ? (
        <div className="menu" role="menu" tabIndex={-1} aria-label={label} onKeyDown={move}>
          <CloseMenu value={close}>{children}</CloseMenu>
        </div>
      ) : null}
    </div>
  )
}

export function MenuGroup({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div role="group" aria-label={title}>
      <p className="menu-title" aria-hidden>
        {title}
      </p>
      {children}
    </div>
  )
}

interface ItemProps {
  icon: IconType
  isDanger?: boolean
  /** Of one of several that exclude each other: whether it is the one. */
  isChecked?: boolean
  onChoose: () => void
  children: ReactNode
}

export function MenuItem({ icon: Icon, isDanger = false, isChecked, onChoose, children }: ItemProps) {
  const close = useContext(CloseMenu)
  return (
    <button
      type="button"
      role={isChecked === undefined ? 'menuitem' : 'menuitemradio'}
      aria-checked={isChecked}
      tabIndex={-1}
      className={isDanger ? 'menu-item danger' : 'menu-item'}
      onClick={() => {
        close()
        onChoose()
      }}
    >
      <Icon className="icon" strokeWidth={1.5} aria-hidden />
      <span className="grow">{children}</span>
      {isChecked ? <Check className="icon" strokeWidth={1.5} aria-hidden /> : null}
    </button>
  )
}
