/** Events on the days of a month. */
import { t, valueLocale } from '../../../messages/messages'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import { asType, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { rowsOf } from '../../rows'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'
import { toneOf } from '../../tone'
import { useFocusWhenDrawn } from '../../use-focus-when-drawn'
import './calendar.css'
import { type CalendarEvent, eventsOf, moved, today, weeksOf } from './days'
import { shownOf } from './state'

const most = 4
const monthName = new Intl.DateTimeFormat(valueLocale, { month: 'long', year: 'numeric', timeZone: 'UTC' })
const dayName = new Intl.DateTimeFormat(valueLocale, { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' })
const weekdayName = new Intl.DateTimeFormat(valueLocale, { weekday: 'short', timeZone: 'UTC' })
const at = (day: string) => new Date(`${day}T00:00Z`)

export function View(props: ViewProps) {
  const { name, component } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const body = useRef<HTMLDivElement>(null)
  const focus = useFocusWhenDrawn(body)
  const held = useRuntimeState(({ components }) => components[name])
  const startsOnSunday = textOf(read('week-start')) === 'sunday'
  const begins = textOf(asType('date', read('default-value')) ?? today())
  const month = textOf(held?.month) || begins.slice(0, 7)
  const [cursor, setCursor] = useState<string>()
  /** A day of which all events show. */
  const [openDay, setOpenDay] = useState<string>()
  const focused = [cursor, begins].find((day) => day?.slice(0, 7) === month) ?? `${month}-01`
  const weeks = useMemo(() => weeksOf(month, startsOnSunday), [month, startsOnSunday])
  const byDay = useMemo(() => {
    const found = new Map<string, CalendarEvent[]>()
    const shown = new Set(weeks.flat())
    for (const event of eventsOf(rowsOf(read('data')), read)) {
      for (const day of shown) {
        if (event.from <= day && day <= event.to) found.set(day, [...(found.get(day) ?? []), event])
      }
    }
    return found
  }, [read, weeks])
  // A month that an expression says is told to the others when it is known, and as long as nobody went to another one.
  const told = useRef<string>(undefined)
  const isBound = textOf(component.properties?.['default-value']).includes('{{')
  useEffect(() => {
    const first = begins.slice(0, 7)
    if (!isBound || first === told.current || (held?.month !== undefined && held.month !== told.current)) return
    told.current = first
    runtime.setComponent(name, shownOf(first, startsOnSunday))
  }, [isBound, begins, held?.month, startsOnSunday, name, runtime])
  const show = (next: string) => {
    runtime.setComponent(name, shownOf(next, startsOnSunday))
    void runtime.trigger(name, 'month-change')
  }
  const goTo = (day: string) => {
    setCursor(day)
    if (day.slice(0, 7) !== month) show(day.slice(0, 7))
    focus(`[data-day="${day}"]`)
  }
  const chooseDay = (day: string) => {
    setCursor(day)
    runtime.setComponent(name, { selectedDay: day })
    void runtime.trigger(name, 'select-day')
  }
  const onKey = (event: KeyboardEvent) => {
    const day = event.target instanceof HTMLElement ? event.target.dataset.day : undefined
    if (!day) return
    const moves: Record<string, { days?: number; months?: number }> = { ArrowRight: { days: 1 }, ArrowLeft: { days: -1 }, ArrowDown: { days: 7 }, ArrowUp: { days: -7 }, PageDown: { months: 1 }, PageUp: { months: -1 } }
    const move = moves[event.key]
    if (move) goTo(moved(day, move))
    else if (event.key === 'Enter' || event.key === ' ') chooseDay(day)
    else return
    event.preventDefault()
  }
  const label = monthName.format(at(`${month}-01`))
  return (
    <section className="app-calendar" aria-label={name}>
      <header>
        <h3 className="truncate" aria-live="polite">
          {label}
        </h3>
        <span className="row">
          <Button size="small" onClick={() => goTo(today())}>
            {t('Today')}
          </Button>
          <Button variant="ghost" size="small" icon={ChevronLeft} label={t('Month before')} onClick={() => show(moved(`${month}-01`, { months: -1 }).slice(0, 7))} />
          <Button variant="ghost" size="small" icon={ChevronRight} label={t('Next month')} onClick={() => show(moved(`${month}-01`, { months: 1 }).slice(0, 7))} />
        </span>
      </header>
      <div ref={body} role="grid" tabIndex={-1} aria-label={label} className="app-calendar-grid" onKeyDown={onKey}>
        <div role="row" className="app-calendar-week is-head">
          {(weeks[0] ?? []).map((day) => (
            <div key={day} role="columnheader">
              {weekdayName.format(at(day))}
            </div>
          ))}
        </div>
        {weeks.map((week) => (
          <div key={week[0]} role="row" className="app-calendar-week">
            {week.map((day) => {
              const events = byDay.get(day) ?? []
              const classes = ['app-calendar-day', day.slice(0, 7) === month ? '' : 'is-other', day === today() ? 'is-today' : '', held?.selectedDay === day ? 'is-selected' : '']
              return (
                <div
                  key={day}
                  role="gridcell"
                  data-day={day}
                  tabIndex={day === focused ? 0 : -1}
                  aria-label={`${dayName.format(at(day))}${events.length > 0 ? `, ${events.length} ${events.length === 1 ? 'event' : 'events'}` : ''}`}
                  aria-current={day === today() ? 'date' : undefined}
                  aria-selected={held?.selectedDay === day}
                  className={classes.filter(Boolean).join(' ')}
                  onClick={() => chooseDay(day)}
                >
                  <span className="app-calendar-number" aria-hidden>
                    {Number(day.slice(8))}
                  </span>
                  {events.slice(0, day === openDay ? events.length : most).map((event, index) => (
                    <button
                      key={index}
                      type="button"
                      className={`app-calendar-event ${toneOf(event.tone, 'accent')}`}
                      title={event.title}
                      onClick={(press) => {
                        press.stopPropagation()
                        runtime.setComponent(name, { selectedEvent: event.row })
                        void runtime.trigger(name, 'select-event')
                      }}
                    >
                      {event.time && event.from === day ? <span className="time">{event.time}</span> : null}
                      <span className="truncate">{event.title}</span>
                    </button>
                  ))}
                  {events.length > most && day !== openDay ? (
                    <button
                      type="button"
                      className="app-calendar-more"
                      onClick={(press) => {
                        press.stopPropagation()
                        setOpenDay(day)
                      }}
                    >
                      {events.length - most} more
                    </button>
                  ) : null}
                </div>
              )
            })}
          </div>
        ))}
      </div>
    </section>
  )
}
