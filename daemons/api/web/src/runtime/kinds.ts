/**
 * What the runtime knows of each kind of component: what it holds at first, and what an input takes.
 *
 * Each is in `components/kinds/<kind>/state.ts`; a kind without one holds nothing. What it can be asked to do is in `methods.ts`.
 */
import { type ValueType, asType, flagOf } from './values'
import { t } from '../messages/messages'

/** Reads a property as it is now. */
export type Read = (property: string) => unknown

export interface KindState {
  /** What expressions see before anybody touched it. */
  initial?: Record<string, unknown>
  /** The same, of what its document says. */
  initialOf?: (properties: Record<string, unknown>) => Record<string, unknown>
  /** Of an input: what its `value` is. Until it is touched that is its `default-value`. */
  value?: ValueType
  /** Properties that are kept as they are: nothing in them is evaluated. */
  raw?: readonly string[]
  /** It stands over the page, opened and closed by actions, and takes no place on it. */
  isOverlay?: boolean
  /** Its value is what is shown, such as a tab, and belongs to no form. */
  isView?: boolean
  /** Of an input that nobody touched: its value, made of its default. */
  begun?: (value: unknown, read: Read) => unknown
  /** Of an input: what is wrong with what was typed, when that is no value at all. */
  unread?: (held: Record<string, unknown>) => string | undefined
  /** Of an input: what is wrong with a value that is not empty, and how to mend it. */
  check?: (value: unknown, read: Read) => string | undefined
  /** The names of methods of its own; what they do is in its `methods.ts`. */
  methods?: readonly string[]
}

const modules = import.meta.glob<KindState>('../components/kinds/*/state.ts', { eager: true, import: 'state' })
const states = new Map(Object.entries(modules).map(([path, state]) => [path.split('/').at(-2) ?? path, state]))
const nothing: KindState = {}

export function stateOf(kind: string): KindState {
  return states.get(kind) ?? nothing
}

export function isInput(kind: string): boolean {
  const { value, isView } = stateOf(kind)
  return value !== undefined && !isView
}

/** The methods of a kind, by name. What they do is in `methods.ts`, what the builder says of them in `builder/method-specs.ts` and in the kind's spec. */
export function methodsOf(kind: string): string[] {
  const { value, initial = {}, methods = [], isView, isOverlay } = stateOf(kind)
  return [
    ...(value ? ['setValue'] : []),
    ...(value && !isView ? ['clear'] : []),
    ...(value || kind === 'form' ? ['reset', 'validate'] : []),
    ...(isOverlay ? ['open', 'close'] : []),
    ...('selected' in initial ? ['clearSelection'] : []),
    ...methods,
    'focus',
    'scrollIntoView',
  ]
}

/** An empty value of the type. */
export function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0)
}

/** What is wrong with an input's value; nothing when it may be sent. */
export function problemOf(kind: string, value: unknown, read: Read, held: Record<string, unknown> = {}): string | undefined {
  const unread = stateOf(kind).unread?.(held)
  if (unread !== undefined) return unread
  if (isEmpty(value)) return flagOf(read('required')) ? requiredText(kind) : undefined
  return stateOf(kind).check?.(value, read)
}

function requiredText(kind: string): string {
  if (kind === 'checkbox' || kind === 'switch') return t('This has to be on.')
  if (kind === 'file-picker') return t('Choose a file.')
  const type = stateOf(kind).value
  return type === 'choice' || type === 'list' ? t('Choose something.') : t('Fill this in.')
}

/** What an input holds: what was set, or else its default. */
export function heldValue(kind: string, state: Record<string, unknown> | undefined, read: Read): unknown {
  const { value: type, begun } = stateOf(kind)
  if (!type) return undefined
  if (state && 'value' in state) return state.value
  const value = asType(type, read('default-value'))
  return begun ? begun(value, read) : value
}
