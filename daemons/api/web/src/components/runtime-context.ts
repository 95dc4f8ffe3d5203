/** How components read the running app. */
import { createContext, useCallback, useContext } from 'react'
import { useStore } from 'zustand'
import { useShallow } from 'zustand/react/shallow'
import type { Component } from '../api/types'
import type { Read } from '../runtime/kinds'
import type { AppRuntime, QueryState, RuntimeState, Shown } from '../runtime/runtime'

export const RuntimeContext = createContext<AppRuntime | undefined>(undefined)

/** What the view of a component is given. */
export interface ViewProps {
  name: string
  component: Component
}

export function useRuntime(): AppRuntime {
  const runtime = useContext(RuntimeContext)
  if (!runtime) throw new Error('a component stands outside of a running app')
  return runtime
}

export function useRuntimeState<T>(select: (state: RuntimeState) => T): T {
  return useStore(useRuntime().store, select)
}

/** Reading a value that does not exist yet, such as the selected row before anything is selected. */
export function isAbsent(shown: Shown): boolean {
  return 'error' in shown && !shown.isFault && /^Cannot read properties of (null|undefined)/.test(shown.error)
}

function valueOf(state: RuntimeState, name: string, property: string): unknown {
  const shown = state.shown[`${name}.${property}`]
  return shown && 'value' in shown ? shown.value : undefined
}

/** The value of a property; nothing as long as it has none. */
export function useProperty(name: string, property: string): unknown {
  return useRuntimeState((state) => valueOf(state, name, property))
}

/** All properties that a component has, as they are now. */
export function useProperties({ name, component }: ViewProps): Read {
  const keys = Object.keys(component.properties ?? {})
  const values = useRuntimeState(useShallow((state) => keys.map((key) => valueOf(state, name, key))))
  return useCallback((property) => values[Object.keys(component.properties ?? {}).indexOf(property)], [values, component.properties])
}

/** The first error among a component's properties. */
export function usePropertyError({ name, component }: ViewProps): string | undefined {
  return useRuntimeState((state) => {
    for (const property of Object.keys(component.properties ?? {})) {
      const shown = state.shown[`${name}.${property}`]
      if (shown && 'error' in shown && !isAbsent(shown)) return `${property}: ${shown.error}`
    }
    return undefined
  })
}

/** The queries that a property reads, in their present state. */
export function useQueriesOf(name: string, property: string): { name: string; state: QueryState }[] {
  const names = useRuntimeState(useShallow((state) => (state.dependencies[`${name}.${property}`] ?? []).filter((read) => read in state.queries)))
  const states = useRuntimeState(useShallow((state) => names.map((read) => state.queries[read])))
  return names.flatMap((read, index) => {
    const state = states[index]
    return state ? [{ name: read, state }] : []
  })
}
