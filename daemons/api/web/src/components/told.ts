/** The other end of `tellView`: what a view does when a method of its component says so. */
import { type RefObject, useEffect, useRef } from 'react'
import type { Told } from '../runtime/told'

export function useTold(element: RefObject<HTMLElement | null>, does: Record<string, (...given: unknown[]) => void>): void {
  const now = useRef(does)
  now.current = does
  // After each drawing, since the element may come late.
  useEffect(() => {
    const view = element.current
    if (!view) return
    const listen = (event: Event) => {
      const { what, given } = (event as CustomEvent<Told>).detail
      now.current[what]?.(...given)
    }
    view.dataset.told = ''
    view.addEventListener('told', listen)
    return () => view.removeEventListener('told', listen)
  })
}
