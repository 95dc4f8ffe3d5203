/** A dialog over the page. */
import { AppWindow } from 'lucide-react'
import { textOf } from '../../../runtime/values'
import { Dialog } from '../../../ui/Dialog'
import { OverlayPlace, useOverlay } from '../../overlay'
import type { ViewProps } from '../../runtime-context'
import { Slot, useIsCanvas } from '../../slot'

export function View(props: ViewProps) {
  const { name } = props
  const { read, title, isOpen, close } = useOverlay(props)
  if (useIsCanvas()) return <OverlayPlace name={name} title={title} icon={AppWindow} />
  if (!isOpen) return null
  return (
    <Dialog title={title} isWide={textOf(read('size')) !== 'small'} onClose={close}>
      <Slot parent={name} />
    </Dialog>
  )
}
