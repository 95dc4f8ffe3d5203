/** The field over a cell that is edited. Enter and Tab keep what was typed, Escape does not, Alt+Enter begins a line. */
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'

interface Props {
  /** The id of the cell. */
  anchor: string
  label: string
  text: string
  /** Whether a key began it: what was there is written over. */
  isTyped: boolean
  onClose: (text: string | undefined, by: Onward) => void
}

/** Where it goes on; `blur` when the focus has gone elsewhere already. */
export type Onward = 'down' | 'right' | 'left' | 'stay' | 'blur'

export function CellEditor({ anchor, label, text, isTyped, onClose }: Props) {
  const field = useRef<HTMLTextAreaElement>(null)
  const [now, setNow] = useState(text)
  const isOver = useRef(false)
  const end = (kept: string | undefined, by: Onward) => {
    if (isOver.current) return
    isOver.current = true
    onClose(kept, by)
  }
  useLayoutEffect(() => {
    const [cell, element] = [document.getElementById(anchor), field.current]
    const row = cell?.parentElement
    if (!cell || !row || !element) return
    element.style.transform = `${row.style.transform} translateX(${cell.offsetLeft}px)`
    element.style.minWidth = `${cell.offsetWidth}px`
  }, [anchor])
  useEffect(() => {
    field.current?.focus({ preventScroll: true })
    if (isTyped) field.current?.setSelectionRange(text.length, text.length)
    else field.current?.select()
  }, [isTyped, text.length])
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && event.altKey) {
      event.preventDefault()
      field.current?.setRangeText('\n', field.current.selectionStart, field.current.selectionEnd, 'end')
      setNow(field.current?.value ?? now)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      end(now, 'down')
    } else if (event.key === 'Tab') {
      event.preventDefault()
      end(now, event.shiftKey ? 'left' : 'right')
    } else if (event.key === 'Escape') {
      event.preventDefault()
      end(undefined, 'stay')
    }
    event.stopPropagation()
  }
  return <textarea ref={field} className="sheet-editor" aria-label={label} rows={Math.min(6, now.split('\n').length)} spellCheck={false} value={now} onChange={({ target }) => setNow(target.value)} onKeyDown={onKeyDown} onBlur={() => end(now, 'blur')} />
}
