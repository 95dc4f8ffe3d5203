/** Waits with what is expensive until somebody has stopped typing. */
import { useEffect, useRef, useState } from 'react'

export interface Settler<T> {
  push: (value: T) => void
  stop: () => void
}

/** Passes on the last of several values, once no other has come for `ms`. */
export function createSettler<T>(ms: number, pass: (value: T) => void): Settler<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = () => clearTimeout(timer)
  const push = (value: T) => {
    stop()
    timer = setTimeout(() => pass(value), ms)
  }
  return { push, stop }
}

/** `value` as it was when it last stayed the same for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  const settler = useRef<Settler<T>>(undefined)
  useEffect(() => {
    // What a function returns is the state; the value itself may be one.
    const own = createSettler<T>(ms, (next) => setSettled(() => next))
    settler.current = own
    return own.stop
  }, [ms])
  useEffect(() => settler.current?.push(value), [value])
  return settled
}
