/** A page of a hosted app: its components on 24 columns, or one below the other on a phone. */
import { createContext, useContext, useMemo, useState, useSyncExternalStore } from 'react'
import type { Component, GridRect, Page } from '../api/types'
import { stateOf } from '../runtime/kinds'
import { hasPhoneLayout, narrowPixels, phoneLayoutOf } from '../runtime/phone-layout'
import { flagOf } from '../runtime/values'
import { AppComponent } from './AppComponent'
import { useProperty } from './runtime-context'
import { Slot, SlotContext, type SlotProps, cellClass, namesOn, useInstance } from './slot'

const PageContext = createContext<Page>({})
const host = { Grid: PageGrid, isCanvas: false }

/** Whether the screen is a narrow one, also while it is turned. */
function useIsNarrow(): boolean {
  const [query] = useState(() => matchMedia(`(max-width: ${narrowPixels}px)`))
  return useSyncExternalStore(
    (changed) => {
      query.addEventListener('change', changed)
      return () => query.removeEventListener('change', changed)
    },
    () => query.matches,
  )
}

export function AppPage({ page }: { page: Page }) {
  const isArranged = useIsNarrow() && hasPhoneLayout(page)
  const shown = useMemo(() => (isArranged ? { ...page, layout: phoneLayoutOf(page) } : page), [page, isArranged])
  return (
    <PageContext value={shown}>
      <SlotContext value={host}>
        <Slot />
      </SlotContext>
    </PageContext>
  )
}

/** What stands in a component of a page, as people will see it: within what is not edited. */
export function FixedSlot({ page, parent }: { page: Page; parent: string }) {
  return (
    <PageContext value={page}>
      <SlotContext value={host}>
        <Slot parent={parent} />
      </SlotContext>
    </PageContext>
  )
}

function PageGrid(grid: SlotProps) {
  const page = useContext(PageContext)
  return (
    <div className={hasPhoneLayout(page) ? 'app-page' : 'app-page stacks'}>
      {namesOn(page, grid).map((name) => {
        const component = page.components?.[name]
        const rect = page.layout?.[name]
        return component && rect ? <Cell key={name} name={name} component={component} rect={rect} /> : null
      })}
    </div>
  )
}

function Cell({ name, component, rect }: { name: string; component: Component; rect: GridRect }) {
  const isHidden = flagOf(useProperty(useInstance(name), 'hidden'))
  if (isHidden) return null
  if (stateOf(component.type).isOverlay) return <AppComponent name={name} component={component} />
  return (
    <div className={cellClass(component, rect)} data-component={name} style={{ gridColumn: `${rect.column + 1} / span ${rect.width}`, gridRow: `${rect.row + 1} / span ${rect.height}` }}>
      <AppComponent name={name} component={component} />
    </div>
  )
}
