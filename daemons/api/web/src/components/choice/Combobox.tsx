/**
 * A field that opens a list to choose from: by mouse, by arrows, or by typing a part of a label.
 *
 * The list is a popover, so that no container cuts it off. It says what was chosen and keeps nothing itself.
 */
import { Check, ChevronDown, X } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef, useState } from 'react'
import type { Input } from '../input'
import { plural, t } from '../../messages/messages'
import { type Option, isSame, matching, stepped } from './options'

/** Longer lists are for searching. */
const maxShown = 200

interface Props {
  input: Input<unknown>
  options: Option[]
  chosen: unknown[]
  isMultiple?: boolean
  /** What the field shows while it is closed. */
  text: string
  placeholder: string
  canClear: boolean
  /** What stands before the text: the chosen ones of several. */
  before?: ReactNode
  onChoose: (option: Option) => void
  onClear: () => void
  onBackspace?: () => void
}

export function Combobox({ input, options, chosen, isMultiple = false, text, placeholder, canClear, before, onChoose, onClear, onBackspace }: Props) {
  const [typed, setTyped] = useState<string>()
  const [active, setActive] = useState(0)
  const box = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const isOpen = typed !== undefined
  const found = isOpen ? matching(options, typed) : []
  const shown = found.slice(0, maxShown)
  const listId = `${input.id}-list`
  const at = Math.min(active, shown.length - 1)

  const open = () => {
    if (input.isDisabled || isOpen) return
    setTyped('')
    setActive(Math.max(0, options.findIndex((option) => chosen.some((value) => isSame(value, option.value)))))
  }
  const close = () => setTyped(undefined)
  const choose = (option: Option | undefined) => {
    if (!option) return
    onChoose(option)
    if (isMultiple) setTyped('')
    else close()
  }
  const onKey = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }
    const step = steps[event.key]
    if (step !== undefined) {
      if (isOpen) setActive(stepped(at, step, shown.length))
      else open()
    } else if (event.key === 'Enter' && isOpen) choose(shown[at])
    else if (event.key === 'Escape' && isOpen) close()
    else if (event.key === 'Backspace' && !typed && onBackspace) return onBackspace()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <>
      <div
        ref={box}
        className={input.problem === undefined ? 'app-combo' : 'app-combo is-invalid'}
        aria-disabled={input.isDisabled || undefined}
        onPointerDown={(event) => {
          if (event.target instanceof Element && event.target.closest('button')) return
          if (event.target !== field.current) event.preventDefault()
          field.current?.focus()
          if (isOpen && event.target !== field.current) close()
          else open()
        }}
      >
        {before}
        <input
          {...input.control}
          ref={field}
          className="app-combo-text"
          type="text"
          role="combobox"
          autoComplete="off"
          spellCheck={false}
          aria-autocomplete="list"
          aria-expanded={isOpen}
          aria-controls={isOpen ? listId : undefined}
          aria-activedescendant={isOpen && at >= 0 ? `${listId}-${at}` : undefined}
          placeholder={isOpen && !isMultiple && text ? text : placeholder}
          value={typed ?? text}
          onChange={(event) => {
            // Typed behind the chosen label, or over it.
            const { value } = event.target
            setTyped(!isOpen && value.startsWith(text) ? value.slice(text.length) : value)
            setActive(0)
          }}
          onKeyDown={onKey}
          onBlur={() => {
            close()
            input.leave()
          }}
        />
        {canClear ? (
          <button type="button" className="app-combo-button" aria-label={t('Clear')} onClick={onClear}>
            <X className="icon" strokeWidth={1.5} aria-hidden />
          </button>
        ) : null}
        <ChevronDown className="icon app-combo-arrow" strokeWidth={1.5} aria-hidden />
      </div>
      {isOpen ? (
        <Popup anchor={box.current} id={listId} label={input.name} isMultiple={isMultiple} active={at}>
          {shown.map((option, index) => {
            const isChosen = chosen.some((value) => isSame(value, option.value))
            return (
              <li
                key={index}
                id={`${listId}-${index}`}
                role="option"
                aria-selected={isChosen}
                className={index === at ? 'app-option is-active' : 'app-option'}
                onPointerMove={() => setActive(index)}
                onClick={() => choose(option)}
              >
                <span className="truncate">{option.label}</span>
                {isChosen ? <Check className="icon" strokeWidth={1.5} aria-hidden /> : null}
              </li>
            )
          })}
          {found.length > maxShown ? (
            <li role="option" aria-disabled aria-selected={false} className="app-option-note">
              {plural(found.length - maxShown, '{count} more: type a part of the name.', '{count} more: type a part of the name.')}
            </li>
          ) : null}
          {found.length === 0 ? (
            <li role="option" aria-disabled aria-selected={false} className="app-option-note">
              {options.length === 0 ? t('There is nothing to choose from.') : t('Nothing matches.')}
            </li>
          ) : null}
        </Popup>
      ) : null}
    </>
  )
}

function Popup({ anchor, id, label, isMultiple, active, children }: { anchor: HTMLElement | null; id: string; label: string; isMultiple: boolean; active: number; children: ReactNode }) {
  const list = useRef<HTMLUListElement>(null)
  useLayoutEffect(() => {
    const element = list.current
    if (!element || !anchor) return
    element.showPopover()
    const put = () => {
      const { left, top, bottom, width } = anchor.getBoundingClientRect()
      const below = window.innerHeight - bottom
      const isAbove = below < Math.min(240, element.scrollHeight) && top > below
      element.style.left = `${left}px`
      element.style.width = `${width}px`
      element.style.maxHeight = `${Math.min(280, (isAbove ? top : below) - 12)}px`
      element.style.top = isAbove ? 'auto' : `${bottom + 4}px`
      element.style.bottom = isAbove ? `${window.innerHeight - top + 4}px` : 'auto'
    }
    put()
    window.addEventListener('scroll', put, true)
    window.addEventListener('resize', put)
    return () => {
      window.removeEventListener('scroll', put, true)
      window.removeEventListener('resize', put)
    }
  }, [anchor])
  useLayoutEffect(() => {
    list.current?.querySelector('.is-active')?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    // The field keeps the focus while the list is used.
    <ul ref={list} id={id} popover="manual" role="listbox" aria-label={label} aria-multiselectable={isMultiple || undefined} className="app-popup" onPointerDown={(event) => event.preventDefault()}>
      {children}
    </ul>
  )
}
