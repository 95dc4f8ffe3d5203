/**
 * The canvas: the running page under a layer that selects, moves and resizes.
 *
 * While something is dragged only its outline moves; the document changes once, when it is dropped.
 */
import { type CSSProperties, type PointerEvent, useRef, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, GridRect } from '../api/types'
import { AppComponent } from '../components/AppComponent'
import { inReadingOrder } from '../components/AppPage'
import type { DraftStore } from '../document/draft-store'
import { componentKinds } from './component-kinds'
import { draggedKind } from './drag-source'
import { addComponent, freeName, moveComponents } from './edits'
import { type Edge, clamp, columns, resized, rowHeight } from './layout'

interface Props {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  onSelect: (names: string[]) => void
}

interface Drag {
  name: string
  edge: Edge | undefined
  from: { x: number; y: number }
  rect: GridRect
  now: GridRect
}

const emptyRows = 14
const edges: Edge[] = ['e', 's', 'se', 'w']

function cellStyle(rect: GridRect): CSSProperties {
  return { gridColumn: `${rect.column + 1} / span ${rect.width}`, gridRow: `${rect.row + 1} / span ${rect.height}` }
}

export function Canvas({ store, page: pageName, selection, onSelect }: Props) {
  const page = useStore(store, (state) => state.document.pages[pageName])
  const surface = useRef<HTMLDivElement>(null)
  const [drag, setDrag] = useState<Drag>()
  const [drop, setDrop] = useState<GridRect>()
  if (!page) return <div className="canvas" />
  const names = inReadingOrder(page)
  const rows = Math.max(emptyRows, ...Object.values(page.layout ?? {}).map((rect) => rect.row + rect.height + 4))

  const unit = () => ({ x: (surface.current?.clientWidth ?? columns) / columns, y: rowHeight })
  const begin = (event: PointerEvent, name: string, edge?: Edge) => {
    const rect = page.layout?.[name]
    if (!rect || event.button !== 0) return
    event.stopPropagation()
    event.currentTarget.setPointerCapture(event.pointerId)
    if (!selection.includes(name)) onSelect(event.shiftKey ? [...selection, name] : [name])
    setDrag({ name, edge, from: { x: event.clientX, y: event.clientY }, rect, now: rect })
  }
  const move = (event: PointerEvent) => {
    if (!drag) return
    const { x, y } = unit()
    const [dx, dy] = [(event.clientX - drag.from.x) / x, (event.clientY - drag.from.y) / y]
    const now = drag.edge ? resized(drag.rect, drag.edge, dx, dy) : clamp({ ...drag.rect, column: drag.rect.column + dx, row: drag.rect.row + dy })
    if (JSON.stringify(now) !== JSON.stringify(drag.now)) setDrag({ ...drag, now })
  }
  const end = () => {
    if (drag && drag.now !== drag.rect) {
      const others = drag.edge ? [] : selection.filter((name) => name !== drag.name)
      const [dx, dy] = [drag.now.column - drag.rect.column, drag.now.row - drag.rect.row]
      const moved: Record<string, GridRect> = { [drag.name]: drag.now }
      for (const name of others) {
        const rect = page.layout?.[name]
        if (rect) moved[name] = clamp({ ...rect, column: rect.column + dx, row: rect.row + dy })
      }
      store.edit((draft) => moveComponents(draft, pageName, moved))
    }
    setDrag(undefined)
  }
  const dropRect = (event: { clientX: number; clientY: number }): GridRect | undefined => {
    const kind = draggedKind()
    const bounds = surface.current?.getBoundingClientRect()
    if (!kind || !bounds) return undefined
    const { size } = componentKinds[kind]
    const { x, y } = unit()
    return clamp({ column: (event.clientX - bounds.left) / x - size.width / 2, row: (event.clientY - bounds.top) / y - size.height / 2, ...size })
  }
  const finishDrop = (event: React.DragEvent) => {
    const kind = draggedKind()
    const rect = dropRect(event)
    setDrop(undefined)
    if (!kind || !rect) return
    event.preventDefault()
    const name = freeName(store.getState().document, componentKinds[kind].baseName)
    store.edit((draft) => addComponent(draft, pageName, name, componentKinds[kind].make(), rect))
    onSelect([name])
  }
  return (
    <section className="canvas" aria-label="Canvas" onPointerDown={() => onSelect([])}>
      <div
        ref={surface}
        className={drag || drop ? 'app-page canvas-page is-dragging' : 'app-page canvas-page'}
        style={{ minHeight: rows * rowHeight, '--column': `calc(100% / ${columns})` } as CSSProperties}
        onDragOver={(event) => {
          const rect = dropRect(event)
          if (!rect) return
          event.preventDefault()
          if (JSON.stringify(rect) !== JSON.stringify(drop)) setDrop(rect)
        }}
        onDragLeave={() => setDrop(undefined)}
        onDrop={finishDrop}
      >
        {names.map((name) => {
          const component = page.components?.[name]
          const rect = page.layout?.[name]
          if (!component || !rect) return null
          const isSelected = selection.includes(name)
          return (
            <div key={name} className={`app-cell ${component.type}-cell canvas-cell ${isSelected ? 'selected' : ''}`} style={cellStyle(drag?.name === name && drag.edge ? drag.now : rect)}>
              <div className="canvas-content" inert>
                <AppComponent name={name} component={component} />
              </div>
              <div
                className="canvas-handle"
                role="button"
                tabIndex={0}
                aria-pressed={isSelected}
                aria-label={`${componentKinds[component.type]?.text ?? 'Component'} ${name}`}
                onPointerDown={(event) => begin(event, name)}
                onPointerMove={move}
                onPointerUp={end}
                onPointerCancel={() => setDrag(undefined)}
                onFocus={() => {
                  if (!selection.includes(name)) onSelect([name])
                }}
              >
                <span className="canvas-name">{name}</span>
              </div>
              {isSelected
                ? edges.map((edge) => <div key={edge} className={`canvas-resize ${edge}`} onPointerDown={(event) => begin(event, name, edge)} onPointerMove={move} onPointerUp={end} onPointerCancel={() => setDrag(undefined)} />)
                : null}
            </div>
          )
        })}
        {drag && !drag.edge ? <div className="canvas-ghost" style={cellStyle(drag.now)} /> : null}
        {drop ? <div className="canvas-ghost" style={cellStyle(drop)} /> : null}
        {names.length === 0 && !drop ? <div className="canvas-empty">Drag a component here, or press one at the left. Then write a query below and bind it with {'{{ query1.rows }}'}.</div> : null}
      </div>
    </section>
  )
}
