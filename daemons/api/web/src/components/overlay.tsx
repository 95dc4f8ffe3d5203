/** What stands over the page, a modal or a drawer: opened and closed by actions; on the canvas it lies in its place. */
import { useEffect, useRef } from 'react'
import { textOf } from '../runtime/values'
import type { Read } from '../runtime/kinds'
import type { IconType } from '../ui/icons'
import './containers.css'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from './runtime-context'
import { Slot } from './slot'

export interface Overlay {
  read: Read
  title: string
  isOpen: boolean
  close: () => void
}

export function useOverlay(props: ViewProps): Overlay {
  const { name } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const isOpen = useRuntimeState(({ components }) => components[name]?.isOpen === true)
  const wasOpen = useRef(isOpen)
  useEffect(() => {
    if (wasOpen.current === isOpen) return
    wasOpen.current = isOpen
    void runtime.trigger(name, isOpen ? 'open' : 'close')
  }, [isOpen, name, runtime])
  return { read, title: textOf(read('title')) || name, isOpen, close: () => runtime.setComponent(name, { isOpen: false }) }
}

/** Where it lies on the canvas. */
export function OverlayPlace({ name, title, icon: Icon }: { name: string; title: string; icon: IconType }) {
  return (
    <section className="app-container framed app-modal-place" aria-label={title}>
      <h3 className="app-container-title">
        <Icon className="icon" strokeWidth={1.5} aria-hidden />
        {title}
      </h3>
      <div className="app-slot">
        <Slot parent={name} />
      </div>
    </section>
  )
}
