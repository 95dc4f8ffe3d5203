/** Light, dark, with more contrast, or as the system says: remembered in this browser. */
export const themes = ['system', 'light', 'dark', 'contrast'] as const

export type Theme = (typeof themes)[number]

const key = 'bulkhead.theme'

export function theme(): Theme {
  const stored = localStorage.getItem(key)
  return themes.find((one) => one === stored) ?? 'system'
}

export function setTheme(chosen: Theme): void {
  localStorage.setItem(key, chosen)
  applyTheme()
}

/** Puts the choice on the document. Light and dark are the system's where it was not made; a system that asks for more contrast gets it in any. */
export function applyTheme(): void {
  const chosen = theme()
  const { dataset } = document.documentElement
  if (chosen === 'light' || chosen === 'dark') dataset.theme = chosen
  else delete dataset.theme
  if (chosen === 'contrast' || matchMedia('(prefers-contrast: more)').matches) dataset.contrast = 'more'
  else delete dataset.contrast
}

/** The same from now on, also when the system's settings change, or the choice in another window. */
export function followTheme(): void {
  applyTheme()
  matchMedia('(prefers-contrast: more)').addEventListener('change', applyTheme)
  window.addEventListener('storage', (event) => {
    if (event.key === key) applyTheme()
  })
}
