/** Cards in lanes, moved by dragging or by keys. */
import { plural, valueLocale } from '../../../messages/messages'
import { type DragEvent, type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import { flagOf, jsonOf, textOf } from '../../../runtime/values'
import { Badge } from '../../../ui/Badge'
import { isSame, optionsOf } from '../../choice/options'
import { type Row, column, rowsOf } from '../../rows'
import { type ViewProps, useProperties, useRuntime } from '../../runtime-context'
import { useFocusWhenDrawn } from '../../use-focus-when-drawn'
import './kanban.css'

interface Card {
  key: string
  row: Row
  lane: string
  title: string
  text: string
  tags: string[]
}

/** More cards of a lane are for a table. */
const most = 200
const draggedType = 'application/x-kanban-card'

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const board = useRef<HTMLDivElement>(null)
  const focusOn = useFocusWhenDrawn(board)
  /** Where cards were moved to, until new data says. */
  const [placed, setPlaced] = useState<Record<string, string>>({})
  const [over, setOver] = useState<string>()
  const [told, setTold] = useState('')
  const data = read('data')
  useEffect(() => setPlaced({}), [data])
  const isFixed = flagOf(read('disabled'))
  const cards = useMemo(() => cardsOf(rowsOf(data), read), [data, read])
  const lanes = useMemo(() => {
    const given = optionsOf((property) => read(property === 'options' ? 'lanes' : property)).map((lane) => ({ value: textOf(lane.value), label: lane.label }))
    return given.length > 0 ? given : [...new Set(cards.map((card) => card.lane))].map((lane) => ({ value: lane, label: lane || '–' }))
  }, [cards, read])
  const laneOf = (card: Card) => placed[card.key] ?? card.lane
  const move = async (card: Card, to: string) => {
    const from = laneOf(card)
    if (isFixed || from === to) return
    setPlaced((now) => ({ ...now, [card.key]: to }))
    setTold(`${card.title} is in ${lanes.find((lane) => lane.value === to)?.label ?? to} now.`)
    runtime.setComponent(name, { moved: { row: card.row, from, to } })
    if (await runtime.trigger(name, 'move')) return
    setPlaced((now) => ({ ...now, [card.key]: from }))
    setTold(`${card.title} could not be moved.`)
  }
  const choose = (card: Card) => {
    runtime.setComponent(name, { selected: card.row })
    void runtime.trigger(name, 'select')
  }
  const focus = (card: Card | undefined) => {
    if (card) focusOn(`[data-card="${CSS.escape(card.key)}"]`)
  }
  const onKey = (event: KeyboardEvent, card: Card) => {
    const at = lanes.findIndex((lane) => lane.value === laneOf(card))
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    const own = cards.filter((other) => laneOf(other) === laneOf(card))
    const place = own.indexOf(card)
    if (side !== undefined) {
      const lane = lanes[at + side]
      if (!lane) return
      if (event.ctrlKey || event.metaKey) {
        void move(card, lane.value)
        focus(card)
      } else {
        const beside = cards.filter((other) => laneOf(other) === lane.value)
        focus(beside[Math.min(place, beside.length - 1)])
      }
    } else if (event.key === 'ArrowDown') focus(own[place + 1])
    else if (event.key === 'ArrowUp') focus(own[place - 1])
    else if (event.key === 'Enter' || event.key === ' ') choose(card)
    else return
    event.preventDefault()
  }
  const onDrop = (event: DragEvent, lane: string) => {
    setOver(undefined)
    const key = event.dataTransfer.getData(draggedType)
    const card = cards.find((one) => one.key === key)
    if (!card) return
    event.preventDefault()
    event.stopPropagation()
    void move(card, lane)
  }
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and the keyboard must reach it
    <div ref={board} className="app-kanban" role="group" aria-label={name} tabIndex={0}>
      {lanes.map((lane) => {
        const own = cards.filter((card) => isSame(laneOf(card), lane.value))
        return (
          <section
            key={lane.value}
            className={over === lane.value ? 'app-lane is-over' : 'app-lane'}
            aria-label={lane.label}
            onDragOver={(event) => {
              if (isFixed || !event.dataTransfer.types.includes(draggedType)) return
              event.preventDefault()
              setOver(lane.value)
            }}
            onDragLeave={(event) => {
              if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget))) setOver(undefined)
            }}
            onDrop={(event) => onDrop(event, lane.value)}
          >
            <h3>
              <span className="truncate">{lane.label}</span>
              <span className="muted">{own.length.toLocaleString(valueLocale)}</span>
            </h3>
            <ul>
              {own.slice(0, most).map((card) => (
                <li key={card.key}>
                  <button
                    type="button"
                    className="app-card"
                    data-card={card.key}
                    draggable={!isFixed}
                    aria-keyshortcuts={isFixed ? undefined : 'Control+ArrowLeft Control+ArrowRight'}
                    onClick={() => choose(card)}
                    onKeyDown={(event) => onKey(event, card)}
                    onDragStart={(event) => event.dataTransfer.setData(draggedType, card.key)}
                  >
                    <strong>{card.title}</strong>
                    {card.text ? <span className="muted">{card.text}</span> : null}
                    {card.tags.length > 0 ? (
                      <span className="app-tags">
                        {card.tags.map((tag) => (
                          <Badge key={tag}>{tag}</Badge>
                        ))}
                      </span>
                    ) : null}
                  </button>
                </li>
              ))}
              {own.length > most ? <li className="muted">{plural(own.length - most, '{count} more.', '{count} more.')}</li> : null}
            </ul>
          </section>
        )
      })}
      <span className="visually-hidden" aria-live="polite">
        {told}
      </span>
    </div>
  )
}

function cardsOf(rows: Row[], read: (property: string) => unknown): Card[] {
  const keys = { key: column(rows, read('key'), ['id']), lane: column(rows, read('lane-key'), ['status', 'state']), title: column(rows, read('title-key'), ['title', 'name']), text: column(rows, read('text-key'), ['text', 'description']), tag: textOf(read('tag-key')) }
  const seen = new Set<string>()
  return rows.flatMap((row, index) => {
    const key = textOf(row[keys.key]) || `row ${index}`
    if (seen.has(key)) return []
    seen.add(key)
    const tags = keys.tag === '' ? [] : jsonOf(row[keys.tag])
    return [{ key, row, lane: textOf(row[keys.lane]), title: textOf(row[keys.title]) || '–', text: textOf(row[keys.text]), tags: (Array.isArray(tags) ? tags : [tags]).map(textOf).filter(Boolean).slice(0, 6) }]
  })
}
