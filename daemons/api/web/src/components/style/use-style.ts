/** The style sheet of an app, as long as the app is on the page. */
import { useLayoutEffect } from 'react'

export function useAppStyle(text: string | null | undefined): void {
  useLayoutEffect(() => {
    if (!text) return
    let takeOut: (() => void) | undefined
    let isGone = false
    // Most apps have none.
    void import('./apply').then(({ applyStyle }) => {
      if (!isGone) takeOut = applyStyle(text)
    })
    return () => {
      isGone = true
      takeOut?.()
    }
  }, [text])
}
