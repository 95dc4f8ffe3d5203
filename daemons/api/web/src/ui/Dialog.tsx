/** A modal dialog on the browser's own `<dialog>`: it keeps the focus, closes on Escape and makes the rest inert. */
import { X } from 'lucide-react'
import { type FormEvent, type ReactNode, useEffect, useId, useRef } from 'react'
import { t } from '../messages/messages'
import { Button } from './Button'

interface Props {
  title: string
  onClose: () => void
  /** With it the body is a form, sent by Enter or the last button. */
  onSubmit?: () => void
  isWide?: boolean
  footer?: ReactNode
  children: ReactNode
}

export function Dialog({ title, onClose, onSubmit, isWide = false, footer, children }: Props) {
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const opener = document.activeElement
    element.current?.showModal()
    // The browser gives the focus to the close button, which comes first: a form begins at its first field.
    element.current?.querySelector<HTMLElement>('form :is(input, select, textarea):enabled')?.focus()
    return () => {
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit?.()
  }
  const content = (
    <>
      <div className="dialog-body">{children}</div>
      {footer ? <div className="dialog-foot">{footer}</div> : null}
    </>
  )
  return (
    <dialog
      ref={element}
      className={isWide ? 'dialog wide' : 'dialog'}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <div className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <Button variant="ghost" size="small" icon={X} label={t('Close')} onClick={onClose} />
      </div>
      {onSubmit ? <form onSubmit={submit}>{content}</form> : content}
    </dialog>
  )
}
