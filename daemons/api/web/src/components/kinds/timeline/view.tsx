/** What happened, one after the other. */
import { useMemo } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import { RelativeTime } from '../../../ui/format'
import '../../display.css'
import { column, rowsOf } from '../../rows'
import { type ViewProps, useProperties, useRuntime } from '../../runtime-context'
import { toneOf } from '../../tone'
import { plural, t } from '../../../messages/messages'

const most = 500

export function View(props: ViewProps) {
  const { name, component } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const events = useMemo(() => {
    const rows = rowsOf(read('data'))
    const keys = { title: column(rows, read('title-key'), ['title', 'name', 'label']), text: column(rows, read('text-key'), ['text', 'description']), time: column(rows, read('time-key'), ['time', 'at', 'created_at']), tone: column(rows, read('tone-key'), ['tone']) }
    const list = rows.map((row) => ({ row, title: textOf(row[keys.title]), text: textOf(row[keys.text]), time: textOf(row[keys.time]), tone: toneOf(textOf(row[keys.tone]), 'neutral') }))
    if (!flagOf(read('newest-first'))) return list
    return list.sort((a, b) => (Date.parse(b.time) || 0) - (Date.parse(a.time) || 0))
  }, [read])
  const canChoose = component.events?.some((handler) => handler.on === 'select') ?? false
  const choose = (row: Record<string, unknown>) => {
    runtime.setComponent(name, { selected: row })
    void runtime.trigger(name, 'select')
  }
  if (events.length === 0) return <p className="muted app-empty">{textOf(read('empty-text')) || t('Nothing happened yet.')}</p>
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and the keyboard must reach it
    <div className="app-timeline" role="region" tabIndex={0} aria-label={name}>
      <ol>
        {events.slice(0, most).map((event, index) => (
          <li key={index} className={event.tone}>
            {canChoose ? (
              <button type="button" className="app-timeline-title" onClick={() => choose(event.row)}>
                {event.title || '–'}
              </button>
            ) : (
              <strong className="app-timeline-title">{event.title || '–'}</strong>
            )}
            {event.text ? <p>{event.text}</p> : null}
            {event.time === '' ? null : <p className="muted app-timeline-time">{Number.isNaN(Date.parse(event.time)) ? event.time : <RelativeTime at={event.time} />}</p>}
          </li>
        ))}
      </ol>
      {events.length > most ? <p className="muted">{plural(events.length - most, '{count} more.', '{count} more.')}</p> : null}
    </div>
  )
}
