/** The element around an app that is edited or previewed: it has the app's theme, and what is around it has not. */
import { type ReactNode, useLayoutEffect, useRef } from 'react'
import type { Theme } from '../api/types'

export function Themed({ theme, children }: { theme: Theme | null | undefined; children: ReactNode }) {
  const element = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const target = element.current
    if (!theme || !target) return
    let takeOff: (() => void) | undefined
    let isGone = false
    // Most apps have none.
    void import('./theme').then(({ applyTheme }) => {
      if (!isGone) takeOff = applyTheme(target, theme)
    })
    return () => {
      isGone = true
      takeOff?.()
    }
  }, [theme])
  return (
    <div ref={element} className={theme ? 'themed is-themed' : 'themed'}>
      {children}
    </div>
  )
}
