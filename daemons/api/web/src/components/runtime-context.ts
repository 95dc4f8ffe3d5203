/** How components read the running app. */
import { createContext, useContext } from 'react'
import { useStore } from 'zustand'
import { useShallow } from 'zustand/react/shallow'
import type { AppRuntime, QueryState, RuntimeState, Shown } from '../runtime/runtime'

export const RuntimeContext = createContext<AppRuntime | undefined>(undefined)

export function useRuntime(): AppRuntime {
  const runtime = useContext(RuntimeContext)
  if (!runtime) throw new Error('a component stands outside of a running app')
  return runtime
}

export function useRuntimeState<T>(select: (state: RuntimeState) => T): T {
  return useStore(useRuntime().store, select)
}

/** Reading a value that does not exist yet, such as the selected row before anything is selected. */
function isAbsent(shown: Shown): boolean {
  return 'error' in shown && !shown.isFault && /^Cannot read properties of (null|undefined)/.test(shown.error)
}

/** The value of a property; nothing as long as it has none. */
export function useProperty(name: string, property: string): unknown {
  return useRuntimeState((state) => {
    const shown = state.shown[`${name}.${property}`]
    return shown && 'value' in shown ? shown.value : undefined
  })
}

/** The first error among a component's properties. */
export function usePropertyError(name: string): string | undefined {
  return useRuntimeState((state) => {
    const prefix = `${name}.`
    for (const [id, shown] of Object.entries(state.shown)) {
      if (id.startsWith(prefix) && 'error' in shown && !isAbsent(shown)) return `${id.slice(prefix.length)}: ${shown.error}`
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

export function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
