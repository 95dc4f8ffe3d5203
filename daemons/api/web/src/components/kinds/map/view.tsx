/** Places on a map that comes with Bulkhead: moved by dragging, arrows and the wheel. */
import { Minus, Plus, Scan } from 'lucide-react'
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import { numberOf, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'
import { useTold } from '../../told'
import { toneOf } from '../../tone'
import { plural, t } from '../../../messages/messages'
import { type View as MapView, fitted, project, shapesOf, spotsOf } from './geometry'
import './map.css'

const [nearest, step] = [4096, 80]

/** Pixels that the world is wide. */
function scaleAt(zoom: number, width: number): number {
  return Math.max(1, width) * 2 ** Math.max(0, Math.min(12, zoom))
}

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const frame = useRef<HTMLDivElement>(null)
  const held = useRef<{ x: number; y: number; view: MapView }>(undefined)
  const [size, setSize] = useState({ width: 0, height: 0 })
  const [moved, setMoved] = useState<MapView>()
  const [world, setWorld] = useState('')
  const selected = useRuntimeState(({ components }) => components[name]?.selected)
  const data = read('data')
  const spots = useMemo(() => spotsOf(data, read), [data, read])
  const given = read('shapes')
  const shapes = useMemo(() => shapesOf(given), [given])
  const [latitude, longitude, zoom] = [numberOf(read('latitude')), numberOf(read('longitude')), numberOf(read('zoom'))]
  const begins = useMemo(() => {
    const fit = fitted(spots, size)
    const middle = latitude !== null && longitude !== null ? project(latitude, longitude) : { x: fit.x, y: fit.y }
    return { ...middle, scale: zoom === null ? fit.scale : scaleAt(zoom, size.width) }
  }, [spots, size, latitude, longitude, zoom])
  const view = moved ?? begins

  useEffect(() => {
    void import('./world').then((loaded) => setWorld(loaded.world))
    const element = frame.current
    if (!element) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: entry.contentRect.height })
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  const clamped = (next: MapView): MapView => ({ x: Math.max(0, Math.min(1, next.x)), y: Math.max(0, Math.min(1, next.y)), scale: Math.max(size.width * 0.6, Math.min(size.width * nearest, next.scale)) })
  /** Nearer or farther, so that what is at a point stays there. */
  const zoomBy = (factor: number, at = { x: size.width / 2, y: size.height / 2 }) => {
    const { scale } = clamped({ ...view, scale: view.scale * factor })
    const [dx, dy] = [at.x - size.width / 2, at.y - size.height / 2]
    setMoved(clamped({ x: view.x + dx / view.scale - dx / scale, y: view.y + dy / view.scale - dy / scale, scale }))
  }
  useTold(frame, {
    centerOn: (latitude, longitude, zoom) => {
      const [lat, lon, near] = [numberOf(latitude), numberOf(longitude), numberOf(zoom)]
      if (lat === null || lon === null) return
      setMoved(clamped({ ...project(lat, lon), scale: near === null ? view.scale : scaleAt(near, size.width) }))
    },
    fit: () => setMoved(undefined),
  })
  const zooming = useRef(zoomBy)
  zooming.current = zoomBy
  useEffect(() => {
    const element = frame.current
    if (!element) return
    // By hand, since React's own listener may not keep the page from scrolling. Without Ctrl the page scrolls on.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      const { left, top } = element.getBoundingClientRect()
      zooming.current(2 ** (-event.deltaY / 240), { x: event.clientX - left, y: event.clientY - top })
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [])
  const onKey = (event: KeyboardEvent) => {
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key]
    if (by) setMoved(clamped({ ...view, x: view.x + (by[0] ?? 0) / view.scale, y: view.y + (by[1] ?? 0) / view.scale }))
    else if (event.key === '+' || event.key === '=') zoomBy(1.5)
    else if (event.key === '-') zoomBy(1 / 1.5)
    else if (event.key === '0') setMoved(undefined)
    else return
    event.preventDefault()
  }
  const drag = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0 || (event.target instanceof Element && event.target.closest('button'))) return
      event.currentTarget.setPointerCapture(event.pointerId)
      held.current = { x: event.clientX, y: event.clientY, view }
    },
    onPointerMove: (event: PointerEvent) => {
      const from = held.current
      if (from) setMoved(clamped({ ...from.view, x: from.view.x - (event.clientX - from.x) / from.view.scale, y: from.view.y - (event.clientY - from.y) / from.view.scale }))
    },
    onPointerUp: () => {
      held.current = undefined
    },
  }
  const place = (point: { x: number; y: number }) => ({ left: size.width / 2 + (point.x - view.x) * view.scale, top: size.height / 2 + (point.y - view.y) * view.scale })
  const origin = place({ x: 0, y: 0 })
  const label = textOf(read('label')) || name
  return (
    <section className="app-map" aria-label={label}>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- arrows move it */}
      <div ref={frame} className="app-map-frame" role="group" tabIndex={0} aria-label={plural(spots.length, '{label}: {count} place. Arrow keys move the map, plus and minus change the zoom.', '{label}: {count} places. Arrow keys move the map, plus and minus change the zoom.', { label })} onKeyDown={onKey} {...drag}>
        <svg width={size.width} height={size.height} aria-hidden>
          <g transform={`translate(${origin.left} ${origin.top}) scale(${view.scale / 1000})`}>
            <path className="app-map-land" d={world} />
            <path className="app-map-area" d={shapes.area} />
            <path className="app-map-line" d={shapes.line} />
          </g>
        </svg>
        {spots.map((spot, index) => {
          const at = place(spot)
          if (at.left < -40 || at.top < -40 || at.left > size.width + 40 || at.top > size.height + 40) return null
          return (
            <button
              key={index}
              type="button"
              className={`app-map-spot ${toneOf(spot.tone, 'accent')}`}
              aria-pressed={selected === spot.row}
              style={{ left: at.left, top: at.top, width: Math.max(24, spot.radius * 2), height: Math.max(24, spot.radius * 2) }}
              onClick={() => {
                runtime.setComponent(name, { selected: spot.row })
                void runtime.trigger(name, 'select')
              }}
            >
              <span className="app-map-dot" style={{ width: spot.radius * 2, height: spot.radius * 2 }} />
              <span className={`app-map-label ${spots.length > 30 ? 'at-need' : ''} ${at.left > size.width * 0.72 ? 'is-left' : ''}`}>{spot.label}</span>
            </button>
          )
        })}
      </div>
      <div className="app-map-tools">
        <Button size="small" icon={Plus} label={t('Nearer')} onClick={() => zoomBy(1.5)} />
        <Button size="small" icon={Minus} label={t('Farther')} onClick={() => zoomBy(1 / 1.5)} />
        <Button size="small" icon={Scan} label={t('All places')} onClick={() => setMoved(undefined)} />
      </div>
    </section>
  )
}
