/** A text with headings, lists and emphasis, edited as it looks. Its value is Markdown. */
import { Bold, Code, Heading2, Italic, Link, List, ListOrdered, Pilcrow, Quote, Strikethrough } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef } from 'react'
import { textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import type { IconType } from '../../../ui/icons'
import '../../display.css'
import { safeHref } from '../../href'
import { InputGroup, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'
import { message, t } from '../../../messages/messages'
import { toDom, toMarkdown } from './markdown-dom'
import { merge, rangeOverBlocks } from './merge'
import './rich-text.css'

/** The browser's own editing: old, but every browser has it, and it keeps undo. */
function command(name: string, value?: string): void {
  document.execCommand('styleWithCSS', false, 'false')
  document.execCommand(name, false, value)
}

function askLink(): void {
  const given = window.prompt('Address of the link', 'https://')
  const href = given === null ? undefined : safeHref(given)
  if (href) command('createLink', href)
}

const tools: [IconType, string, () => void][] = [
  [Bold, message('Bold'), () => command('bold')],
  [Italic, message('Italic'), () => command('italic')],
  [Strikethrough, message('Struck through'), () => command('strikeThrough')],
  [Heading2, message('Heading'), () => command('formatBlock', 'h3')],
  [Pilcrow, message('Paragraph'), () => command('formatBlock', 'p')],
  [List, message('List'), () => command('insertUnorderedList')],
  [ListOrdered, message('Numbered list'), () => command('insertOrderedList')],
  [Quote, message('Quote'), () => command('formatBlock', 'blockquote')],
  [Code, message('Code block'), () => command('formatBlock', 'pre')],
  [Link, message('Link'), askLink],
]

export function View(props: ViewProps) {
  const input = useInput<string>(props)
  const page = useRef<HTMLDivElement>(null)
  const bar = useRef<HTMLDivElement>(null)
  /** What is written on the page now: another value comes from elsewhere. */
  const written = useRef<string>(undefined)
  useEffect(() => {
    if (written.current === input.value || !page.current) return
    written.current = input.value
    page.current.replaceChildren(...toDom(input.value))
  }, [input.value])
  const take = () => {
    if (!page.current) return
    const markdown = toMarkdown(page.current)
    if (markdown === written.current) return
    written.current = markdown
    input.set(markdown)
  }
  const taken = useRef(take)
  taken.current = take
  useEffect(() => {
    const root = page.current
    if (!root) return
    // By hand, since React has an event of its own under this name.
    const before = (event: InputEvent) => {
      const range = rangeOverBlocks(event, root)
      if (!range) return
      event.preventDefault()
      merge(range, root)
      if (event.inputType === 'insertText' && event.data) command('insertText', event.data)
      else if (event.inputType === 'insertParagraph') command('insertParagraph')
      taken.current()
    }
    root.addEventListener('beforeinput', before)
    return () => root.removeEventListener('beforeinput', before)
  }, [])
  const onKey = (event: KeyboardEvent) => {
    if (event.altKey && event.key === 'F10') bar.current?.querySelector('button')?.focus()
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') askLink()
    else return
    event.preventDefault()
  }
  const onBarKey = (event: KeyboardEvent) => {
    const all = [...(bar.current?.querySelectorAll('button') ?? [])]
    const at = all.findIndex((button) => button === document.activeElement)
    const to = { ArrowRight: (at + 1) % all.length, ArrowLeft: (at - 1 + all.length) % all.length }[event.key]
    if (event.key === 'Escape') page.current?.focus()
    else if (to !== undefined) all[to]?.focus()
  }
  const paste = (text: string) => {
    const selection = document.getSelection()
    const root = page.current
    // Over several blocks it takes their place; its lines are blocks.
    if (root && selection && selection.rangeCount > 0 && !selection.isCollapsed) command('delete')
    text.split(/\r?\n/).forEach((line, index) => {
      if (index > 0) command('insertParagraph')
      if (line) command('insertText', line)
    })
  }
  const label = textOf(input.read('label'))
  return (
    <InputGroup input={input}>
      <div className={input.problem === undefined ? 'app-rich' : 'app-rich is-invalid'} aria-disabled={input.isDisabled || undefined}>
        <div ref={bar} className="app-rich-bar" role="toolbar" tabIndex={-1} aria-label={t('Formatting')} onKeyDown={onBarKey}>
          {tools.map(([Icon, text, act], index) => (
            <Button
              key={text}
              variant="ghost"
              size="small"
              icon={Icon}
              label={t(text)}
              tabIndex={index === 0 ? 0 : -1}
              disabled={input.isDisabled}
              // The text keeps its selection.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => {
                page.current?.focus()
                act()
                take()
              }}
            />
          ))}
        </div>
        <div
          ref={page}
          className="app-markdown app-rich-page"
          role="textbox"
          tabIndex={0}
          aria-multiline
          aria-label={label || props.name}
          aria-invalid={input.control['aria-invalid']}
          aria-describedby={input.control['aria-describedby']}
          aria-required={input.control['aria-required']}
          aria-disabled={input.isDisabled || undefined}
          contentEditable={!input.isDisabled}
          suppressContentEditableWarning
          data-placeholder={input.value === '' ? textOf(input.read('placeholder')) : undefined}
          onInput={take}
          onBlur={input.leave}
          onKeyDown={onKey}
          onPaste={(event) => {
            event.preventDefault()
            paste(event.clipboardData.getData('text/plain'))
          }}
          onDrop={(event) => {
            // What is dropped would come as markup.
            event.preventDefault()
          }}
        />
      </div>
    </InputGroup>
  )
}
