/** Several grids in one place, one of which shows. */
import { type KeyboardEvent, useId, useMemo, useRef } from 'react'
import { textOf } from '../../../runtime/values'
import { gridsOf } from '../../choice/grids'
import { isSame, optionsOf, stepped } from '../../choice/options'
import '../../containers.css'
import { useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'
import { Slot, useIsCanvas } from '../../slot'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const isCanvas = useIsCanvas()
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const { value, read, set } = useInput<unknown>(props)
  const tabs = useMemo(() => optionsOf((property) => read(property === 'options' ? 'tabs' : property)), [read])
  const at = Math.max(0, tabs.findIndex((tab) => isSame(tab.value, value)))
  const current = tabs[at]
  const grid = useMemo(() => gridsOf(name, tabs)[at], [name, tabs, at])
  /** On the canvas one goes from tab to tab, and nothing happens by it. */
  const show = (tab: unknown) => (isCanvas ? runtime.setComponent(name, { value: tab }) : set(tab))
  const onKey = (event: KeyboardEvent) => {
    const next = { ArrowRight: stepped(at, 1, tabs.length), ArrowLeft: stepped(at, -1, tabs.length), Home: 0, End: tabs.length - 1 }[event.key]
    const tab = next === undefined ? undefined : tabs[next]
    if (!tab) return
    event.preventDefault()
    show(tab.value)
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next ?? 0]?.focus()
  }
  if (!current) return <p className="muted app-empty">{t('No tabs yet.')}</p>
  return (
    <div className="app-container framed">
      <div ref={list} className="tabs app-tabs" role="tablist" aria-label={name} onKeyDown={onKey}>
        {tabs.map((tab, index) => (
          <button key={textOf(tab.value)} type="button" role="tab" id={`${id}-${index}`} className="tab" aria-selected={index === at} aria-controls={index === at ? `${id}-panel` : undefined} tabIndex={index === at ? 0 : -1} onClick={() => show(tab.value)}>
            {tab.label}
          </button>
        ))}
      </div>
      <div className="app-slot" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${at}`} tabIndex={0}>
        <Slot key={textOf(current.value)} {...grid} />
      </div>
    </div>
  )
}
