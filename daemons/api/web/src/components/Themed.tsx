/** The element around an app that is edited or previewed: it has the app's theme and style sheet, and what is around it has not. */
import { type ReactNode, useLayoutEffect, useRef } from 'react'
import type { Theme } from '../api/types'
import { useAppStyle } from './style/use-style'

export function Themed({ theme, style, children }: { theme: Theme | null | undefined; style?: string | null | undefined; children: ReactNode }) {
  useAppStyle(style)
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
    <div ref={element} className={theme ? 'themed is-themed' : 'themed'} data-app-style={style ? '' : undefined}>
      {children}
    </div>
  )
}
