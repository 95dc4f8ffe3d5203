/** A dialog over the page. It is opened and closed by actions; on the canvas it lies in its place. */
import { AppWindow } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { textOf } from '../../../runtime/values'
import { Dialog } from '../../../ui/Dialog'
import '../../containers.css'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'
import { Slot, useIsCanvas } from '../../slot'

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const isCanvas = useIsCanvas()
  const isOpen = useRuntimeState(({ components }) => components[name]?.isOpen === true)
  const wasOpen = useRef(isOpen)
  const title = textOf(read('title')) || name
  useEffect(() => {
    if (wasOpen.current === isOpen) return
    wasOpen.current = isOpen
    void runtime.trigger(name, isOpen ? 'open' : 'close')
  }, [isOpen, name, runtime])
  if (isCanvas) {
    return (
      <section className="app-container framed app-modal-place" aria-label={title}>
        <h3 className="app-container-title">
          <AppWindow className="icon" strokeWidth={1.5} aria-hidden />
          {title}
        </h3>
        <div className="app-slot">
          <Slot parent={name} />
        </div>
      </section>
    )
  }
  if (!isOpen) return null
  return (
    <Dialog title={title} isWide={textOf(read('size')) !== 'small'} onClose={() => runtime.setComponent(name, { isOpen: false })}>
      <Slot parent={name} />
    </Dialog>
  )
}
