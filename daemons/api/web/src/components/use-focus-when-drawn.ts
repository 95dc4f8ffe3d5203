/** Focus for what a key leads to: it arrives in the drawing that the key causes, so that the next key, however soon, finds it there. */
import { type RefObject, useLayoutEffect, useReducer, useRef } from 'react'

export function useFocusWhenDrawn(within: RefObject<HTMLElement | null>): (selector: string) => void {
  const wanted = useRef<string>(undefined)
  const [, draw] = useReducer((count: number) => count + 1, 0)
  useLayoutEffect(() => {
    const found = wanted.current === undefined ? null : within.current?.querySelector<HTMLElement>(wanted.current)
    if (!found) return
    wanted.current = undefined
    found.focus()
  })
  return (selector) => {
    wanted.current = selector
    draw()
  }
}
