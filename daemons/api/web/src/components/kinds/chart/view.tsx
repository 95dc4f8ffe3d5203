/** A chart, led through by the pointer or the keyboard, and the same as a table. */
import { ChartColumn, Table2 } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { flagOf, numberOf, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { SkeletonRows } from '../../../ui/states'
import { figureText } from '../../figures'
import { type ViewProps, useProperties, useQueriesOf, useRuntime } from '../../runtime-context'
import { message, plural, t } from '../../../messages/messages'
import { Cartesian } from './Cartesian'
import { ChartTable } from './ChartTable'
import { Heat, drawHeat } from './Heat'
import { Pie, drawPie } from './Pie'
import { Scatter } from './Scatter'
import { draw } from './cartesian'
import './chart.css'
import { type FormProps, type Mark, type Size, colour } from './marks'
import { drawScatter } from './scatter'
import { chartData, pointsOf, rowsOf, slicesOf } from './series'

const forms = ['bar', 'line', 'area', 'pie', 'scatter', 'heat'] as const
type Form = (typeof forms)[number]
const formNames = { bar: message('Bar chart'), line: message('Line chart'), area: message('Area chart'), pie: message('Pie chart'), scatter: message('Scatter chart'), heat: message('Heat map') } satisfies Record<Form, string>

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const plot = useRef<HTMLDivElement>(null)
  const size = useSize(plot)
  const [active, setActive] = useState<number>()
  const [isTable, setTable] = useState(false)
  const queries = useQueriesOf(name, 'data')
  const given = textOf(read('form'))
  const form: Form = forms.find((one) => one === given) ?? 'bar'
  const title = textOf(read('title'))
  const failed = queries.find(({ state }) => state.status === 'failed')
  const isLoading = queries.some(({ state }) => state.status === 'loading' && !state.result)
  const format = useMemo(() => {
    const style = { format: textOf(read('format')) || 'number', currency: textOf(read('currency')), decimals: numberOf(read('decimals')) }
    return (value: number) => figureText(value, style)
  }, [read])
  const drawn = useDrawing(read, form, size, format)
  useEffect(() => setActive(undefined), [drawn])
  const { marks, legend, isEmpty } = drawn
  const mark = active === undefined ? undefined : marks[active]
  const select = (index: number) => {
    runtime.setComponent(name, { selected: marks[index]?.selected ?? null })
    void runtime.trigger(name, 'select')
  }
  const onKey = (event: KeyboardEvent) => {
    const at = active ?? -1
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: marks.length - 1 }[event.key]
    if (to !== undefined && marks.length > 0) setActive(Math.max(0, Math.min(marks.length - 1, to)))
    else if ((event.key === 'Enter' || event.key === ' ') && active !== undefined) select(active)
    else if (event.key === 'Escape' && active !== undefined) setActive(undefined)
    else return
    event.preventDefault()
  }
  const label = `${t(formNames[form])}${title ? `: ${title}` : ''}`
  const shared: FormProps = { size, active, onActive: setActive, onSelect: select, marks, format }
  return (
    <figure className="app-chart" aria-busy={isLoading}>
      <figcaption className="chart-head">
        <strong className="truncate grow">{title}</strong>
        <Button variant="ghost" size="small" icon={isTable ? ChartColumn : Table2} label={isTable ? t('Show {name} as a chart', { name }) : t('Show {name} as a table', { name })} onClick={() => setTable(!isTable)} />
      </figcaption>
      {failed ? (
        <p className="app-fault" role="alert">
          <strong>{failed.name}</strong> {failed.state.message}
        </p>
      ) : isLoading ? (
        <SkeletonRows count={4} />
      ) : isTable ? (
        <ChartTable label={title || name} marks={marks} />
      ) : (
        <>
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- arrows lead through its values, which are told below */}
          <div ref={plot} className="chart-plot" role="group" tabIndex={0} aria-label={plural(marks.length, '{label}. {count} value: arrow keys lead through them, Enter chooses one.', '{label}. {count} values: arrow keys lead through them, Enter chooses one.', { label })} onKeyDown={onKey} onBlur={() => setActive(undefined)}>
            {isEmpty ? <p className="muted chart-empty">{t('Nothing to show.')}</p> : size.width > 40 ? drawn.draw(shared) : null}
            {mark ? <Note mark={mark} size={size} /> : null}
          </div>
          <span className="visually-hidden" aria-live="polite">
            {mark ? `${mark.title}: ${mark.lines.map((line) => `${line.name} ${line.text}`).join(', ')}` : ''}
          </span>
          {flagOf(read('legend') ?? true) && legend.length > 1 ? (
            <ul className="chart-legend">
              {legend.map((text, index) => (
                <li key={text}>
                  <span className="chart-swatch" style={{ background: colour(index) }} />
                  <span className="truncate">{text || '–'}</span>
                </li>
              ))}
            </ul>
          ) : null}
          {drawn.dropped > 0 ? <p className="hint muted">{plural(drawn.dropped, '{count} more row is not drawn.', '{count} more rows are not drawn.')}</p> : null}
        </>
      )}
    </figure>
  )
}

interface Drawn {
  marks: Mark[]
  legend: string[]
  isEmpty: boolean
  dropped: number
  draw: (props: FormProps) => ReactNode
}

function useDrawing(read: (property: string) => unknown, form: Form, size: Size, format: (value: number) => string): Drawn {
  const data = read('data')
  const [x, y, by] = [textOf(read('x')), textOf(read('y')), textOf(read('by'))]
  const isStacked = flagOf(read('stacked'))
  return useMemo((): Drawn => {
    const rows = rowsOf(data)
    const columns = { x, y, by }
    if (form === 'scatter') {
      const points = pointsOf(rows, columns)
      const drawing = drawScatter(points, size, format)
      return { marks: drawing.marks, legend: points.names, isEmpty: points.points.length === 0, dropped: points.dropped, draw: (props) => <Scatter {...props} drawing={drawing} /> }
    }
    const all = chartData(rows, columns)
    const isEmpty = !all.series.some(({ values }) => values.some((value) => value !== null))
    if (form === 'pie') {
      const slices = slicesOf(all)
      const drawing = drawPie(slices, size, format)
      return { marks: drawing.marks, legend: slices.map(({ label }) => label), isEmpty: slices.length === 0, dropped: all.dropped, draw: (props) => <Pie {...props} drawing={drawing} /> }
    }
    if (form === 'heat') {
      const drawing = drawHeat(all, size, format)
      return { marks: drawing.marks, legend: [], isEmpty, dropped: all.dropped, draw: (props) => <Heat {...props} drawing={drawing} /> }
    }
    const drawing = draw(all, form, isStacked, size, format)
    return { marks: drawing.marks, legend: all.series.map(({ name }) => name), isEmpty, dropped: all.dropped, draw: (props) => <Cartesian {...props} drawing={drawing} form={form} /> }
  }, [data, x, y, by, isStacked, form, size, format])
}

function useSize(element: { current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  const observed = useRef<HTMLElement>(null)
  const observer = useRef<ResizeObserver>(undefined)
  useEffect(() => {
    if (observed.current === element.current) return
    observer.current?.disconnect()
    observed.current = element.current
    if (!element.current) return
    observer.current = new ResizeObserver(([entry]) => {
      if (!entry) return
      const { width, height } = entry.contentRect
      setSize((now) => (now.width === Math.floor(width) && now.height === Math.floor(height) ? now : { width: Math.floor(width), height: Math.floor(height) }))
    })
    observer.current.observe(element.current)
  })
  useEffect(() => () => observer.current?.disconnect(), [])
  return size
}

/** What is pointed at, beside it. */
function Note({ mark, size }: { mark: Mark; size: Size }) {
  const isRight = mark.x > size.width / 2
  const at = { top: Math.max(0, Math.min(mark.y - 12, size.height - 28 - 20 * mark.lines.length)), ...(isRight ? { right: size.width - mark.x + 12 } : { left: mark.x + 12 }) }
  return (
    <div className="chart-note" style={at} aria-hidden>
      <strong>{mark.title}</strong>
      {mark.lines.slice(0, 12).map((line, index) => (
        <span key={index} className="chart-note-line">
          <span className="chart-swatch" style={{ background: colour(line.series) }} />
          <span className="grow">{line.name}</span>
          <span>{line.text}</span>
        </span>
      ))}
    </div>
  )
}
