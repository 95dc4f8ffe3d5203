/** What actions and scripts can have components do. It arrives with the first action; a kind's own is in `components/kinds/<kind>/methods.ts`. */
import { type Read, methodsOf, stateOf } from './kinds'
import type { Grid } from './nesting'
import { asType } from './values'

/** A component, as its methods see it. */
export interface Handle {
  name: string
  read: Read
  /** What was set or chosen so far, by name: what expressions see beside properties. */
  held: () => Record<string, unknown>
  set: (values: Record<string, unknown>) => void
  /** Puts an input, or all inputs in it, back to the default. */
  reset: () => void
  submit: () => Promise<unknown>
  /** Whether nothing is wrong with the input, or with the inputs on one of its grids; what is wrong shows from now on. */
  validate: (grid?: Grid) => boolean
  /** False when a handler failed, or was called off. */
  trigger: (event: string, detail?: Record<string, unknown>) => Promise<boolean>
  /** Has its view do what only that can, such as scroll: `useTold` listens. */
  tell: (what: string, ...given: unknown[]) => void
  /** Its place on the page, when it shows. */
  element: () => HTMLElement | undefined
}

export interface Method {
  /** The names of what it is given, in their order. */
  parameters: readonly string[]
  run: (component: Handle, ...given: unknown[]) => unknown
}

export type Methods = Record<string, Method>

const modules = import.meta.glob<Methods>('../components/kinds/*/methods.ts', { eager: true, import: 'methods' })
const ownMethods = new Map(Object.entries(modules).map(([path, methods]) => [path.split('/').at(-2) ?? path, methods]))

const focusable = 'input, select, textarea, button, a[href], [tabindex], [contenteditable="true"]'

/** Those that many kinds have. */
function shared(kind: string): Methods {
  const { value: type, initial = {} } = stateOf(kind)
  return {
    setValue: { parameters: ['value'], run: ({ set }, value) => type && set({ value: asType(type, value) }) },
    clear: { parameters: [], run: ({ set }) => type && set({ ...initial, value: asType(type, undefined) }) },
    reset: { parameters: [], run: ({ reset }) => reset() },
    validate: { parameters: [], run: ({ validate }) => validate() },
    open: { parameters: [], run: ({ set }) => set({ isOpen: true }) },
    close: { parameters: [], run: ({ set }) => set({ isOpen: false }) },
    clearSelection: { parameters: [], run: ({ set }) => set({ selected: null, ...('value' in initial ? { value: null } : {}) }) },
    focus: {
      parameters: [],
      run: ({ element }) => {
        const place = element()
        ;(place?.matches(focusable) ? place : place?.querySelector<HTMLElement>(focusable))?.focus()
      },
    },
    scrollIntoView: { parameters: [], run: ({ element }) => element()?.scrollIntoView({ block: 'nearest' }) },
  }
}

/** The methods of a kind, by name. */
export function methodTable(kind: string): Methods {
  const all: Methods = { ...shared(kind), ...ownMethods.get(kind) }
  return Object.fromEntries(methodsOf(kind).flatMap((name) => (all[name] ? [[name, all[name]]] : [])))
}
