/** What the builder knows of a kind of component: `kinds/<kind>/spec.ts` has one, and hosted apps never load it. */
import type { Component } from '../api/types'
import type { IconType } from '../ui/icons'
import { message } from '../messages/messages'

type Options = readonly (readonly [value: string, text: string])[]

export type PropertyInput =
  | { kind: 'text'; isLong?: boolean }
  | { kind: 'choice'; options: Options }
  /** Yes or no, or an expression. */
  | { kind: 'flag'; isOn?: boolean }
  | { kind: 'columns' }
  /** Kept as it is: nothing in it is evaluated. */
  | { kind: 'code'; language: 'javascript' | 'css' }
  /** A list of `{value, label}`, or an expression. */
  | { kind: 'options' }

export interface PropertySpec {
  key: string
  label: string
  hint?: string
  input: PropertyInput
}

/** What a method is given, in the order of its kind's `state.ts`. */
export interface ParameterSpec {
  name: string
  label: string
  hint?: string
  /** The values that there are; the first is the usual one. */
  options?: Options
}

/** What actions and scripts can have a component do. */
export interface MethodSpec {
  name: string
  text: string
  parameters?: readonly ParameterSpec[]
}

export const groups = [message('Display'), message('Inputs'), message('Containers')] as const

export interface KindSpec {
  group: (typeof groups)[number]
  text: string
  icon: IconType
  baseName: string
  size: { width: number; height: number }
  properties: PropertySpec[]
  events: readonly (readonly [event: string, text: string])[]
  /** Beside those that every component, input or overlay has. */
  methods?: readonly MethodSpec[]
  /** What expressions see of it. */
  exposes: string
  /** What a new one starts with. */
  starts: NonNullable<Component['properties']>
  /** It is made elsewhere: it is not added as others are, and what stands in it is not edited here. */
  isClosed?: true
}

export function text(key: string, label: string, hint?: string): PropertySpec {
  return { key, label, input: { kind: 'text' }, ...(hint ? { hint } : {}) }
}

export function longText(key: string, label: string, hint?: string): PropertySpec {
  return { key, label, input: { kind: 'text', isLong: true }, ...(hint ? { hint } : {}) }
}

export function flag(key: string, label: string, hint?: string): PropertySpec {
  return { key, label, input: { kind: 'flag' }, ...(hint ? { hint } : {}) }
}

/** A flag that is on as long as nobody says otherwise. */
export function flagOn(key: string, label: string): PropertySpec {
  return { key, label, input: { kind: 'flag', isOn: true } }
}

/** The first of the options is the one that holds when nothing is chosen. */
export function choice(key: string, label: string, options: Options): PropertySpec {
  return { key, label, input: { kind: 'choice', options } }
}

export const label = text('label', 'Label')
export const placeholder = text('placeholder', 'Placeholder', 'Shown as long as it is empty.')
export const defaultValue = text('default-value', 'Default value', 'What it holds until somebody changes it.')

/** Every input has these, below its own. */
export const inputProperties: PropertySpec[] = [
  text('hint', 'Hint', 'A sentence below it.'),
  flag('required', 'Required', 'A form is not sent without it.'),
  flag('disabled', 'Disabled', 'Shown, but not to be changed.'),
]

export const changes = [['change', 'When its value changes']] as const

/** Where the options of a choice come from. */
export const optionProperties: PropertySpec[] = [
  { key: 'options', label: 'Options', hint: 'Rows of a query: {{ query1.rows }}.', input: { kind: 'options' } },
  text('label-key', 'Column of labels', 'Of rows: label or name when left out.'),
  text('value-key', 'Column of values', 'Of rows: value or id when left out.'),
]
