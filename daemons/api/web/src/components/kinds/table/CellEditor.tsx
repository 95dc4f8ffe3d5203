/** A cell while it is edited: Enter and Tab take what was typed, Escape does not. */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { textOf } from '../../../runtime/values'
import { isSame } from '../../choice/options'
import { type Column, isNumericType } from './columns'
import { meant, written } from './edited'

export type Direction = 'down' | 'right' | 'left' | 'stay'

interface Props {
  column: Column
  value: unknown
  onTake: (value: unknown, direction: Direction) => void
  onLeave: () => void
}

export function CellEditor({ column, value, onTake, onLeave }: Props) {
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLSelectElement>(null)
  // New data may come while somebody writes; what was begun is what counts.
  const [begun] = useState(() => written(value, column))
  const [text, setText] = useState(begun)
  const [problem, setProblem] = useState<string>()
  const isOver = useRef(false)
  useEffect(() => {
    ;(field.current ?? list.current)?.focus()
    if (field.current?.type === 'text') field.current.select()
  }, [])
  const take = (direction: Direction) => {
    if (isOver.current) return
    if (text === begun) {
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
