/** Light, dark, or as the system says: remembered in this browser. */
export type Theme = 'system' | 'light' | 'dark'

const key = 'bulkhead.theme'

export function theme(): Theme {
  const stored = localStorage.getItem(key)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

export function setTheme(chosen: Theme): void {
  localStorage.setItem(key, chosen)
  applyTheme()
}

export function applyTheme(): void {
  const chosen = theme()
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}
