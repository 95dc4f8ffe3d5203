/** Things in each other, that open and close. Only the ones in view are in the page. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronRight } from 'lucide-react'
import { type CSSProperties, type KeyboardEvent, useId, useMemo, useRef, useState } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { useTold } from '../../told'
import { type TreeNode, treeOf, visible } from './nodes'
import './tree.css'

const rowHeight = 30

/** Of all that can open. */
function idsOf(nodes: TreeNode[]): string[] {
  return nodes.flatMap(({ id, children }) => (children.length === 0 ? [] : [id, ...idsOf(children)]))
}

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const id = useId()
  const scroller = useRef<HTMLDivElement>(null)
  /** The nodes that are other than they were at first. */
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set())
  const [active, setActive] = useState<string>()
  const startsOpen = flagOf(read('expanded'))
  const nodes = useMemo(() => treeOf(read('data'), read), [read])
  const shown = useMemo(() => visible(nodes, (node) => toggled.has(node) !== startsOpen), [nodes, toggled, startsOpen])
  const selected = useRuntimeState(({ components }) => components[name]?.value)
  const virtual = useVirtualizer({ count: shown.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 10 })
  const at = Math.max(0, shown.findIndex(({ node }) => node.id === active))
  const toggle = (node: string) => {
    const next = new Set(toggled)
    if (!next.delete(node)) next.add(node)
    setToggled(next)
  }
  useTold(scroller, {
    show: (isOpen) => setToggled(new Set(isOpen === startsOpen ? [] : idsOf(nodes))),
  })
  const goTo = (index: number) => {
    const next = shown[Math.max(0, Math.min(shown.length - 1, index))]
    if (!next) return
    setActive(next.node.id)
    virtual.scrollToIndex(shown.indexOf(next))
  }
  const choose = (index: number) => {
    const node = shown[index]?.node
    if (!node) return
    setActive(node.id)
    runtime.setComponent(name, { selected: node.source, value: node.value })
    void runtime.trigger(name, 'select')
  }
  const onKey = (event: KeyboardEvent) => {
    const now = shown[at]
    if (!now || event.ctrlKey || event.metaKey || event.altKey) return
    const canOpen = now.node.children.length > 0
    const isOpen = canOpen && toggled.has(now.node.id) !== startsOpen
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1, PageDown: at + 10, PageUp: at - 10 }
    const to = moves[event.key]
    if (to !== undefined) goTo(to)
    else if (event.key === 'ArrowRight' && canOpen) {
      if (isOpen) goTo(at + 1)
      else toggle(now.node.id)
    } else if (event.key === 'ArrowLeft') {
      if (isOpen) toggle(now.node.id)
      else if (now.parent !== undefined) goTo(shown.findIndex(({ node }) => node.id === now.parent))
    } else if (event.key === 'Enter' || event.key === ' ') choose(at)
    else if (event.key.length === 1) {
      const letter = event.key.toLocaleLowerCase()
      const next = [...shown.slice(at + 1), ...shown.slice(0, at + 1)].find(({ node }) => node.label.toLocaleLowerCase().startsWith(letter))
      if (next) goTo(shown.indexOf(next))
    } else return
    event.preventDefault()
  }
  if (nodes.length === 0) return <p className="muted app-empty">{textOf(read('empty-text')) || t('Nothing to show.')}</p>
  return (
    <div ref={scroller} className="app-tree" role="tree" tabIndex={0} aria-label={textOf(read('label')) || name} aria-activedescendant={`${id}-${at}`} onKeyDown={onKey}>
      <div role="presentation" className="app-tree-body" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const entry = shown[item.index]
          if (!entry) return null
          const { node, level } = entry
          const canOpen = node.children.length > 0
          const isOpen = canOpen && toggled.has(node.id) !== startsOpen
          return (
            <div
              key={node.id}
              id={`${id}-${item.index}`}
              role="treeitem"
              aria-level={level}
              aria-posinset={entry.place}
              aria-setsize={entry.count}
              aria-expanded={canOpen ? isOpen : undefined}
              aria-selected={selected !== null && selected !== undefined && node.value === selected}
              className={item.index === at ? 'app-tree-item is-active' : 'app-tree-item'}
              style={{ transform: `translateY(${item.start}px)`, '--level': level } as CSSProperties}
              onClick={() => choose(item.index)}
            >
              {canOpen ? (
                <span
                  className={isOpen ? 'app-tree-twist is-open' : 'app-tree-twist'}
                  aria-hidden
                  onClick={(event) => {
                    event.stopPropagation()
                    setActive(node.id)
                    toggle(node.id)
                  }}
                >
                  <ChevronRight className="icon" size={14} strokeWidth={1.5} />
                </span>
              ) : (
                <span className="app-tree-twist" aria-hidden />
              )}
              <span className="truncate">{node.label || '–'}</span>
            </div>
          )
        })}
      </div>
    </div>
  )
}
