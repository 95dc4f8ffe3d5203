/**
 * The canvas: the running page under a layer that selects, moves and resizes, also into and out of containers.
 *
 * While something is dragged only its outline moves; the document changes once, when it is dropped.
 */
import { type CSSProperties, type DragEvent, type PointerEvent, Suspense, createContext, lazy, memo, useContext, useMemo, useRef, useState } from 'react'
import { useStore } from 'zustand'
import { type StoreApi, createStore } from 'zustand/vanilla'
import type { AppDocument, GridRect, Page } from '../api/types'
import { AppComponent } from '../components/AppComponent'
import { Themed } from '../components/Themed'
import { useProperty } from '../components/runtime-context'
import { Slot, SlotContext, type SlotProps, cellClass, namesOn, useInstance } from '../components/slot'
import type { DraftStore } from '../document/draft-store'
import { type Grid, isWithin, standsOn } from '../runtime/nesting'
import { phoneLayoutOf } from '../runtime/phone-layout'
import { flagOf } from '../runtime/values'
import { componentKinds, makeComponent } from './component-kinds'
import { draggedKind } from './drag-source'
import { canvasView, useDevice } from './canvas-view'
import { type Band, type Drag, type Moving, boundsOf } from './canvas-moving'
import { addComponent, freeName, moveComponents } from './edits'
import { type Edge, clamp, columns, resized, rowHeight } from './layout'

interface Props {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  onSelect: (names: string[]) => void
}

/** What the grids, which are nested, share. */
interface Editing extends Props {
  shownPage: Page
  moving: StoreApi<Moving>
}

const BandFrame = lazy(async () => ({ default: (await import('./CanvasAids')).BandFrame }))
const GuideLines = lazy(async () => ({ default: (await import('./CanvasAids')).GuideLines }))

const EditingContext = createContext<Editing | undefined>(undefined)
const host = { Grid: CanvasGrid, isCanvas: true }
const emptyRows = 14
const edges: Edge[] = ['e', 's', 'se', 'w']

function cellStyle(rect: GridRect): CSSProperties {
  return { gridColumn: `${rect.column + 1} / span ${rect.width}`, gridRow: `${rect.row + 1} / span ${rect.height}` }
}

/** The innermost grid under the pointer, but none within what is dragged. */
function gridAt(event: { clientX: number; clientY: number }, dragged?: Element | null): HTMLElement | undefined {
  const grids = [...document.querySelectorAll<HTMLElement>('[data-grid]')].filter((grid) => {
    if (dragged?.contains(grid)) return false
    // A nested grid shows as far as the frame around it lets it.
    const { left, top, right, bottom } = (grid.closest('.app-slot') ?? grid).getBoundingClientRect()
    return event.clientX >= left && event.clientX < right && event.clientY >= top && event.clientY < bottom
  })
  return grids.at(-1)
}

/** Which grid an element shows. */
function gridOf(element: HTMLElement): Pick<GridRect, 'parent' | 'slot'> {
  const { parent, slot } = element.dataset
  return { ...(parent ? { parent } : {}), ...(parent && slot ? { slot } : {}) }
}

/** What a unit of the grid is in pixels of the screen: the canvas may be shown larger or smaller. */
function unitOf(grid: HTMLElement): { x: number; y: number } {
  const { width } = grid.getBoundingClientRect()
  return { x: width / columns, y: (rowHeight * width) / (grid.offsetWidth || width) }
}

/** The rectangle of a size whose corner is at a point of the screen. */
function rectAt(grid: HTMLElement, x: number, y: number, size: { width: number; height: number }): GridRect {
  const bounds = grid.getBoundingClientRect()
  const unit = unitOf(grid)
  return clamp({ column: (x - bounds.left) / unit.x, row: (y - bounds.top) / unit.y, ...size, ...gridOf(grid) })
}

function isSame(a: GridRect | undefined, b: GridRect | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

export function Canvas(props: Props) {
  const { store, page, onSelect } = props
  const wholePage = useStore(store, (state) => state.document.pages[page])
  const theme = useStore(store, (state) => state.document.theme)
  const style = useStore(store, (state) => state.document.style)
  const device = useDevice()
  const zoom = useStore(canvasView, (view) => view.zoom)
  const shownPage = useMemo(() => (wholePage && device === 'phone' ? { ...wholePage, layout: phoneLayoutOf(wholePage) } : wholePage), [wholePage, device])
  const band = useRef<Band | undefined>(undefined)
  const [moving] = useState(() => createStore<Moving>(() => ({ drag: undefined, drop: undefined, band: undefined })))
  const editing = useMemo(() => (shownPage ? { ...props, shownPage, moving } : undefined), [props, shownPage, moving])
  if (!editing) return <div className="canvas" />
  const dropRect = (event: DragEvent): GridRect | undefined => {
    const kind = componentKinds[draggedKind() ?? '']
    const grid = gridAt(event)
    if (!kind || !grid) return undefined
    const unit = unitOf(grid)
    return rectAt(grid, event.clientX - (kind.size.width / 2) * unit.x, event.clientY - (kind.size.height / 2) * unit.y, kind.size)
  }
  const setDrop = (drop: GridRect | undefined) => moving.setState({ drop })
  const finishDrop = (event: DragEvent) => {
    const kind = draggedKind()
    const rect = dropRect(event)
    setDrop(undefined)
    if (!kind || !rect) return
    event.preventDefault()
    const name = freeName(store.getState().document, componentKinds[kind]?.baseName ?? kind)
    store.edit((draft) => addComponent(draft, page, name, makeComponent(kind), rect))
    onSelect([name])
  }
  return (
    <section
      className="canvas"
      aria-label="Canvas"
      onPointerDown={(event) => {
        if (!event.shiftKey) onSelect([])
        if (event.button !== 0) return
        const at = { x: event.clientX, y: event.clientY }
        band.current = { from: at, to: at }
      }}
      onPointerMove={(event) => {
        if (!band.current || event.buttons === 0) return
        band.current = { ...band.current, to: { x: event.clientX, y: event.clientY } }
        if (moving.getState().band || isDrawn(band.current)) moving.setState({ band: band.current })
      }}
      onPointerUp={(event) => {
        const drawn = moving.getState().band
        band.current = undefined
        moving.setState({ band: undefined })
        if (drawn) onSelect([...new Set([...(event.shiftKey ? props.selection : []), ...cellsIn(event.currentTarget, drawn)])])
      }}
      onPointerLeave={() => {
        band.current = undefined
        moving.setState({ band: undefined })
      }}
      onDragOver={(event) => {
        const rect = dropRect(event)
        if (!rect) return
        event.preventDefault()
        if (!isSame(rect, moving.getState().drop)) setDrop(rect)
      }}
      onDragLeave={(event) => {
        if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget))) setDrop(undefined)
      }}
      onDrop={finishDrop}
    >
      <EditingContext value={editing}>
        <div className={device === 'phone' ? 'canvas-sheet phone' : 'canvas-sheet'} style={{ zoom: zoom / 100 }}>
          <Themed theme={theme} style={style}>
            <SlotContext value={host}>
              <Slot />
            </SlotContext>
          </Themed>
        </div>
      </EditingContext>
      <Suspense>
        <BandFrame moving={moving} />
      </Suspense>
    </section>
  )
}

/** A press that moved a little is a press. */
function isDrawn({ from, to }: Band): boolean {
  return Math.abs(to.x - from.x) + Math.abs(to.y - from.y) > 6
}

/** The components on the page's own grid that a frame touches. */
function cellsIn(canvas: Element, band: Band): string[] {
  const frame = boundsOf(band)
  return [...canvas.querySelectorAll<HTMLElement>('.canvas-sheet > .themed > [data-grid] > [data-name]')].flatMap((cell) => {
    const { left, top, right, bottom } = cell.getBoundingClientRect()
    return left < frame.right && right > frame.left && top < frame.bottom && bottom > frame.top ? [cell.dataset.name ?? ''] : []
  })
}

function useEditing(): Editing {
  const editing = useContext(EditingContext)
  if (!editing) throw new Error('a grid of the canvas stands outside of it')
  return editing
}

function CanvasGrid(grid: SlotProps) {
  const { shownPage, moving } = useEditing()
  const names = useMemo(() => namesOn(shownPage, grid), [shownPage, grid])
  const moved = useStore(moving, ({ drag }) => (drag && !drag.edge && standsOn(drag.now, grid) ? drag.now : undefined))
  const dropped = useStore(moving, ({ drop }) => (standsOn(drop, grid) ? drop : undefined))
  const ghosts = [moved, dropped].filter((rect) => rect !== undefined)
  const lowest = Math.max(0, ...names.map((name) => (shownPage.layout?.[name]?.row ?? 0) + (shownPage.layout?.[name]?.height ?? 0)))
  const isRoot = grid.parent === undefined
  const rows = isRoot ? Math.max(emptyRows, lowest + 4) : Math.max(2, lowest)
  return (
    <div
      data-grid
      data-parent={grid.parent}
      data-slot={grid.slot}
      className={['app-page canvas-page', isRoot ? '' : 'nested', ghosts.length > 0 ? 'is-dragging' : ''].join(' ')}
      style={{ minHeight: rows * rowHeight, '--column': `calc(100% / ${columns})` } as CSSProperties}
    >
      {names.map((name) => (
        <CanvasCell key={name} name={name} grid={grid} />
      ))}
      <Suspense>
        <GuideLines grid={grid} page={shownPage} moving={moving} />
      </Suspense>
      {ghosts.map((rect, index) => (
        <div key={index} className="canvas-ghost" style={cellStyle(rect)} />
      ))}
      {names.length === 0 && ghosts.length === 0 ? (
        isRoot ? (
          <div className="canvas-empty">Drag a component here, or press one at the left. Then write a query below and bind it with {'{{ query1.rows }}'}.</div>
        ) : (
          <div className="canvas-empty nested">Drag components here.</div>
        )
      ) : null}
    </div>
  )
}

const CanvasCell = memo(function CanvasCell({ name, grid }: { name: string; grid: Grid }) {
  const { store, page, shownPage, selection, onSelect, moving } = useEditing()
  const drag = useStore(moving, (state) => (state.drag?.name === name ? state.drag : undefined))
  const setDrag = (next: Drag | undefined) => moving.setState({ drag: next })
  const cell = useRef<HTMLDivElement>(null)
  const isHidden = flagOf(useProperty(useInstance(name), 'hidden'))
  const component = shownPage.components?.[name]
  const rect = shownPage.layout?.[name]
  if (!component || !rect) return null
  const isSelected = selection.includes(name)
  const kind = componentKinds[component.type]
  const isContainer = kind?.group === 'Containers' && !kind.isClosed

  const begin = (event: PointerEvent, edge?: Edge) => {
    const bounds = cell.current?.getBoundingClientRect()
    if (!bounds || event.button !== 0) return
    event.stopPropagation()
    event.currentTarget.setPointerCapture(event.pointerId)
    if (!isSelected) onSelect(event.shiftKey ? [...selection, name] : [name])
    setDrag({ name, edge, from: { x: event.clientX, y: event.clientY }, hold: { x: event.clientX - bounds.left, y: event.clientY - bounds.top }, rect, now: rect })
  }
  const move = (event: PointerEvent) => {
    const own = cell.current?.parentElement
    if (!drag || !own) return
    const unit = unitOf(own)
    const [dx, dy] = [event.clientX - drag.from.x, event.clientY - drag.from.y]
    let now: GridRect
    if (drag.edge) now = resized(drag.rect, drag.edge, dx / unit.x, dy / unit.y)
    else {
      // A component is in the same one on every screen.
      const target = canvasView.getState().device === 'phone' ? own : (gridAt(event, cell.current) ?? own)
      // On its own grid it moves by whole units from where it was, whatever part of it is held.
      if (target === own) now = clamp({ ...drag.rect, column: drag.rect.column + dx / unit.x, row: drag.rect.row + dy / unit.y })
      else now = rectAt(target, event.clientX - drag.hold.x, event.clientY - drag.hold.y, { width: drag.rect.width, height: drag.rect.height })
    }
    if (!isSame(now, drag.now)) setDrag({ ...drag, now })
  }
  const end = () => {
    if (drag && !isSame(drag.now, drag.rect)) {
      const layout = shownPage.layout ?? {}
      const [dx, dy] = [drag.now.column - drag.rect.column, drag.now.row - drag.rect.row]
      const { parent, slot } = drag.now
      const target = { ...(parent ? { parent } : {}), ...(slot ? { slot } : {}) }
      const moved: Record<string, GridRect> = { [name]: drag.now }
      for (const other of drag.edge ? [] : selection) {
        const place = layout[other]
        if (other === name || !place || !standsOn(place, grid) || (parent && (other === parent || isWithin(layout, parent, { parent: other })))) continue
        const { column, row, width, height } = place
        moved[other] = clamp({ column: column + dx, row: row + dy, width, height, ...target })
      }
      store.edit((draft) => moveComponents(draft, page, moved, canvasView.getState().device))
    }
    setDrag(undefined)
  }
  const handlers = { onPointerMove: move, onPointerUp: end, onPointerCancel: () => setDrag(undefined) }
  const classes = [cellClass(component, rect), 'canvas-cell', isSelected ? 'selected' : '', isContainer ? 'holds' : '', isHidden ? 'is-hidden' : '']
  return (
    <div ref={cell} data-name={name} data-component={name} className={classes.filter(Boolean).join(' ')} style={cellStyle(drag?.edge ? drag.now : rect)}>
      <div className="canvas-content" inert={!isContainer}>
        <AppComponent name={name} component={component} />
      </div>
      <div
        className="canvas-handle"
        role="button"
        tabIndex={0}
        aria-pressed={isSelected}
        aria-label={`${kind?.text ?? 'Component'} ${name}`}
        onPointerDown={(event) => begin(event)}
        {...handlers}
        onFocus={() => {
          if (!selection.includes(name)) onSelect([name])
        }}
      >
        <span className="canvas-name">{isHidden ? `${name} (hidden)` : name}</span>
      </div>
      {isSelected ? edges.map((edge) => <div key={edge} className={`canvas-resize ${edge}`} onPointerDown={(event) => begin(event, edge)} {...handlers} />) : null}
    </div>
  )
})
