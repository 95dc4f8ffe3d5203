/** The grids that stand in components: a container draws its frame, and the host of the app what stands in it. */
import { type ComponentType, createContext, createElement, useContext } from 'react'
import type { Component, GridRect, Page } from '../api/types'
import { ownClasses } from './style/classes'
import { type Grid, type Path, baseOf, instanceName, standsOn } from '../runtime/nesting'

export type SlotProps = Grid

interface Host {
  Grid: ComponentType<SlotProps>
  /** Whether the app is edited: then a modal shows in its place. */
  isCanvas: boolean
}

export const SlotContext = createContext<Host | undefined>(undefined)

/** Which items of lists the components below are for. */
export const ItemContext = createContext<Path>('')

/** The name that a component goes by here: in a list each item has its own. */
export function useInstance(name: string): string {
  return instanceName(name, useContext(ItemContext))
}

export function Slot(props: SlotProps) {
  const host = useContext(SlotContext)
  return host ? createElement(host.Grid, props.parent === undefined ? props : { ...props, parent: baseOf(props.parent).base }) : null
}

export function useIsCanvas(): boolean {
  return useContext(SlotContext)?.isCanvas ?? false
}

/** The classes of a component's place. In a low one there is no room for a message, which hangs below it. */
export function cellClass(component: Component, rect: GridRect): string {
  return `app-cell ${component.type}-cell ${rect.height <= 2 ? 'is-low' : ''}${component.class ? ` ${ownClasses(component.class)}` : ''}`
}

/** Names of the components on a grid, in the order that a person reads them. */
export function namesOn(page: Page, grid: SlotProps = {}): string[] {
  const layout = page.layout ?? {}
  return Object.keys(page.components ?? {})
    .filter((name) => standsOn(layout[name], grid))
    .sort((left, right) => {
      const [a, b] = [layout[left], layout[right]]
      return (a?.row ?? 0) - (b?.row ?? 0) || (a?.column ?? 0) - (b?.column ?? 0)
    })
}
