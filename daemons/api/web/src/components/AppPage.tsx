/** A page of a hosted app: its components on 24 columns, or one below the other on a phone. */
import type { Page } from '../api/types'
import { AppComponent } from './AppComponent'

/** Names in the order that a person reads them. */
export function inReadingOrder(page: Page): string[] {
  const layout = page.layout ?? {}
  return Object.keys(page.components ?? {}).sort((left, right) => {
    const [a, b] = [layout[left], layout[right]]
    return (a?.row ?? 0) - (b?.row ?? 0) || (a?.column ?? 0) - (b?.column ?? 0)
  })
}

export function AppPage({ page }: { page: Page }) {
  return (
    <div className="app-page stacks">
      {inReadingOrder(page).map((name) => {
        const component = page.components?.[name]
        const rect = page.layout?.[name]
        if (!component || !rect) return null
        return (
          <div key={name} className={`app-cell ${component.type}-cell`} style={{ gridColumn: `${rect.column + 1} / span ${rect.width}`, gridRow: `${rect.row + 1} / span ${rect.height}` }}>
            <AppComponent name={name} component={component} />
          </div>
        )
      })}
    </div>
  )
}
