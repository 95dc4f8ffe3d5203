/** The element around an app that is edited or previewed: it has the app's theme, and what is around it has not. */
import { type ReactNode, useLayoutEffect, useRef } from 'react'
import type { Theme } from '../api/types'
import { applyTheme } from './theme'

export function Themed({ theme, children }: { theme: Theme | null | undefined; children: ReactNode }) {
  const element = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => (element.current ? applyTheme(element.current, theme) : undefined), [theme])
  return (
    <div ref={element} className={theme ? 'themed is-themed' : 'themed'}>
      {children}
    </div>
  )
}
