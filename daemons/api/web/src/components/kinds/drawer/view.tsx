/** A panel that slides over the page from an edge. */
import { PanelRight, X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { OverlayPlace, useOverlay } from '../../overlay'
import type { ViewProps } from '../../runtime-context'
import { Slot, useIsCanvas } from '../../slot'
import { t } from '../../../messages/messages'
import './drawer.css'

export function View(props: ViewProps) {
  const { name } = props
  const { read, title, isOpen, close } = useOverlay(props)
  if (useIsCanvas()) return <OverlayPlace name={name} title={title} icon={PanelRight} />
  if (!isOpen) return null
  return (
    <Panel title={title} className={`app-drawer ${textOf(read('side'))} ${textOf(read('size'))}`} onClose={close}>
      <Slot parent={name} />
    </Panel>
  )
}

function Panel({ title, className, onClose, children }: { title: string; className: string; onClose: () => void; children: ReactNode }) {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement
    element.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      className={className}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      // Beside the panel is its backdrop, which belongs to it.
      onClick={(event) => {
        if (event.target === element.current) onClose()
      }}
    >
      <div className="app-drawer-inside">
        <div className="dialog-head">
          <h2 id={id}>{title}</h2>
          <Button variant="ghost" size="small" icon={X} label={t('Close')} onClick={onClose} />
        </div>
        <div className="app-drawer-body">{children}</div>
      </div>
    </dialog>
  )
}
