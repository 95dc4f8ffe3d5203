/** A cell while it is edited: Enter and Tab take what was typed, Escape does not. */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { asType, textOf } from '../../../runtime/values'
import { isSame } from '../../choice/options'
import { localText } from '../datetime/local-time'
import { parseNumber } from '../number-input/number-text'
import { type Column, isNumericType } from './columns'

export type Direction = 'down' | 'right' | 'left' | 'stay'

interface Props {
  column: Column
  value: unknown
  onTake: (value: unknown, direction: Direction) => void
  onLeave: () => void
}

/** The text that is edited. */
function written(value: unknown, { type }: Column): string {
  if (type === 'json') return value === null || value === undefined ? '' : JSON.stringify(value)
  if (type === 'date') return textOf(asType('date', value))
  if (type === 'datetime') return localText(asType('datetime', value))
  if (isNumericType(type) && typeof value === 'number') return value.toLocaleString(undefined, { useGrouping: false, maximumFractionDigits: 12 })
  return textOf(value)
}

/** The value that a text means; a sentence when it means none. */
function meant(text: string, before: unknown, column: Column): { value: unknown } | { problem: string } {
  const { type } = column
  if (text.trim() === '') return { value: type === 'text' || type === 'link' ? (before === null || before === undefined ? null : '') : null }
  if (isNumericType(type)) {
    const number = parseNumber(text)
    if (number === null) return { problem: 'Write a number.' }
    // A decimal that came as text goes as text.
    return { value: typeof before === 'string' ? String(number) : number }
  }
  if (type === 'datetime') return { value: asType('datetime', text) }
  if (type === 'json') {
    try {
      return { value: JSON.parse(text) as unknown }
    } catch {
      return { problem: 'Write JSON.' }
    }
  }
  return { value: text }
}

export function CellEditor({ column, value, onTake, onLeave }: Props) {
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLSelectElement>(null)
  const [text, setText] = useState(() => written(value, column))
  const [problem, setProblem] = useState<string>()
  const isOver = useRef(false)
  useEffect(() => {
    ;(field.current ?? list.current)?.focus()
    if (field.current?.type === 'text') field.current.select()
  }, [])
  const take = (direction: Direction) => {
    if (isOver.current) return
    if (text === written(value, column)) {
      isOver.current = true
      return direction === 'stay' ? onLeave() : onTake(value, direction)
    }
    const next = meant(text, value, column)
    if ('problem' in next) return setProblem(next.problem)
    isOver.current = true
    onTake(next.value, direction)
  }
  const onKey = (event: KeyboardEvent) => {
    event.stopPropagation()
    if (event.key === 'Escape') {
      isOver.current = true
      event.preventDefault()
      onLeave()
    } else if (event.key === 'Enter' || event.key === 'Tab') {
      event.preventDefault()
      take(event.key === 'Enter' ? 'down' : event.shiftKey ? 'left' : 'right')
    }
  }
  const shared = { className: 'input', 'aria-label': column.label, 'aria-invalid': problem === undefined ? undefined : (true as const), title: problem, onKeyDown: onKey, onBlur: () => take('stay') }
  if (column.options.length > 0) {
    return (
      <select
        {...shared}
        ref={list}
        value={text}
        onBlur={onLeave}
        onChange={(event) => {
          isOver.current = true
          const option = column.options.find((one) => isSame(one.value, event.target.value))
          onTake(option ? option.value : null, 'stay')
        }}
      >
        {column.options.some((option) => isSame(option.value, text)) ? null : <option value={text}>{text}</option>}
        {column.options.map((option) => (
          <option key={textOf(option.value)} value={textOf(option.value)}>
            {option.label}
          </option>
        ))}
      </select>
    )
  }
  const type = column.type === 'date' ? 'date' : column.type === 'datetime' ? 'datetime-local' : 'text'
  return (
    <input
      {...shared}
      ref={field}
      type={type}
      inputMode={isNumericType(column.type) ? 'decimal' : undefined}
      value={text}
      onChange={(event) => {
        setText(event.target.value)
        setProblem(undefined)
      }}
    />
  )
}
