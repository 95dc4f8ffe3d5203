/** The list of names below a field that is being written, and the value of its text. It comes with the first field that has the focus. */
import { type RefObject, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { useRuntime } from '../../components/runtime-context'
import type { Shown } from '../../runtime/runtime'
import { type Completions, completionsAt } from './complete'
import { valuesNow } from './values'
import './assist.css'

interface Props {
  field: RefObject<HTMLTextAreaElement | null>
  value: string
  isPreviewed: boolean
  onFound: (shown: Shown | undefined) => void
  onChange: (value: string) => void
}

/** Typing settles for this long before the text is evaluated. */
const settleMs = 150

export function BindingAssist({ field, value, isPreviewed, onFound, onChange }: Props) {
  const runtime = useRuntime()
  const id = useId()
  const [completions, setCompletions] = useState<Completions>()
  const [active, setActive] = useState(0)
  const isTyped = useRef(false)
  const caret = useRef<number>(undefined)

  useEffect(() => {
    if (!isPreviewed || !value.includes('{{')) return onFound(undefined)
    let isGone = false
    const timer = setTimeout(async () => {
      const shown = await runtime.preview(value)
      if (!isGone) onFound(shown)
    }, settleMs)
    return () => {
      isGone = true
      clearTimeout(timer)
    }
  }, [value, isPreviewed, onFound, runtime])

  useLayoutEffect(() => {
    // What was put in leaves the caret at its end.
    if (caret.current !== undefined) field.current?.setSelectionRange(caret.current, caret.current)
    caret.current = undefined
    // Names are offered while somebody types, not wherever they click.
    if (!isTyped.current) return setCompletions(undefined)
    isTyped.current = false
    setActive(0)
    setCompletions(completionsAt(value.slice(0, field.current?.selectionStart ?? 0), false, valuesNow(runtime), undefined, runtime.texts().texts))
  }, [value, field, runtime])

  const put = (label: string) => {
    const element = field.current
    if (!element || !completions) return
    const end = element.selectionStart
    caret.current = completions.from + label.length
    setCompletions(undefined)
    onChange(value.slice(0, completions.from) + label + value.slice(end))
  }

  useEffect(() => {
    const element = field.current
    if (!element) return
    const onInput = () => {
      isTyped.current = true
    }
    const onKey = (event: KeyboardEvent) => {
      if (event.key === ' ' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault()
        setActive(0)
        setCompletions(completionsAt(value.slice(0, element.selectionStart), false, valuesNow(runtime), undefined, runtime.texts().texts))
        return
      }
      if (!completions) return
      const count = completions.options.length
      if (event.key === 'ArrowDown') setActive((at) => (at + 1) % count)
      else if (event.key === 'ArrowUp') setActive((at) => (at - 1 + count) % count)
      else if (event.key === 'Enter' || event.key === 'Tab') put(completions.options[active]?.label ?? '')
      else if (event.key === 'Escape') setCompletions(undefined)
      else return
      event.preventDefault()
      event.stopPropagation()
    }
    element.addEventListener('input', onInput, true)
    element.addEventListener('keydown', onKey)
    return () => {
      element.removeEventListener('input', onInput, true)
      element.removeEventListener('keydown', onKey)
    }
  })

  useEffect(() => {
    const element = field.current
    if (!element) return
    element.setAttribute('aria-autocomplete', 'list')
    if (completions) {
      element.setAttribute('aria-controls', id)
      element.setAttribute('aria-activedescendant', `${id}-${active}`)
    }
    return () => {
      element.removeAttribute('aria-controls')
      element.removeAttribute('aria-activedescendant')
    }
  }, [completions, active, id, field])

  if (!completions) return null
  return (
    <ul id={id} ref={(list) => void list?.scrollIntoView({ block: 'nearest' })} className="assist" role="listbox" aria-label="Names" onPointerDown={(event) => event.preventDefault()}>
      {completions.options.map(({ label, detail, isMethod }, index) => (
        <li
          key={label}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === active}
          className={index === active ? 'assist-option is-active' : 'assist-option'}
          ref={index === active && index > 0 ? (item) => void item?.scrollIntoView({ block: 'nearest' }) : undefined}
          onClick={() => put(label)}
        >
          <code>{isMethod ? `${label}()` : label}</code>
          <span className="muted truncate">{detail}</span>
        </li>
      ))}
    </ul>
  )
}
