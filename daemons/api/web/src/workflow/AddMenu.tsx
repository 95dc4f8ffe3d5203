/** The kinds of blocks that are added less often, in a menu. */
import { ChevronDown } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { Button } from '../ui/Button'
import { type BlockKind, kinds, moreKinds } from './blocks'

export function AddMenu({ onAdd }: { onAdd: (kind: BlockKind) => void }) {
  const [isOpen, setOpen] = useState(false)
  const host = useRef<HTMLDivElement>(null)
  const items = () => [...(host.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
  const close = () => {
    setOpen(false)
    host.current?.querySelector('button')?.focus()
  }
  useEffect(() => {
    if (!isOpen) return
    items()[0]?.focus()
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
    <div className="add-more" ref={host}>
      <Button size="small" icon={ChevronDown} aria-haspopup="menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        More…
      </Button>
      {isOpen ? (
        <div className="menu" role="menu" tabIndex={-1} aria-label="More kinds of blocks" onKeyDown={move}>
          {moreKinds.map(([title, group]) => (
            <div key={title} role="group" aria-label={title}>
              <p className="menu-title" aria-hidden>
                {title}
              </p>
              {group.map((kind) => {
                const { icon: Icon, text } = kinds[kind]
                return (
                  <button
                    key={kind}
                    type="button"
                    role="menuitem"
                    tabIndex={-1}
                    className="menu-item"
                    onClick={() => {
                      close()
                      onAdd(kind)
                    }}
                  >
                    <Icon className="icon" strokeWidth={1.5} aria-hidden />
                    {text}
                  </button>
                )
              })}
            </div>
          ))}
        </div>
      ) : null}
    </div>
  )
}
