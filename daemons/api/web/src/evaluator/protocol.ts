/** What the page and the evaluator's worker say to each other, over a MessagePort. */
import type { ValueType } from '../runtime/values'

/** A text with bindings, or a list or object that holds such texts, by the id of its place. */
export type Templates = Record<string, unknown>

/** What an id's value feeds: `search.default-value` feeds `search.value` as long as the state holds no `value`. */
export type Exposed = Record<string, string>

/** What `t` reads: an app's texts in one language, by key. */
export interface Texts {
  language: string
  texts: Record<string, string>
}

export interface Model {
  /** What every expression may read and nothing changes: `current_user`, `environment`. */
  globals: Record<string, unknown>
  templates: Templates
  /** Expressions without braces, by id: the parameters of queries. */
  expressions: Record<string, string>
  exposed: Exposed
  /** What a value becomes before it is exposed, by what it feeds: the defaults of inputs. */
  types: Record<string, ValueType>
  /** Code that makes a query's `data` of what its resource answered, by the id of its outcome. */
  transforms: Record<string, { query: string; code: string }>
  /** Ids that a name's every property depends on: a query that runs by itself depends on its parameters. */
  feeds: Record<string, string[]>
  /** What scripts may call, by name. */
  methods: Record<string, readonly string[]>
  /** Absent where the app calls something of its own `t`. */
  texts?: Texts
}

export function emptyModel(): Model {
  return { globals: {}, templates: {}, expressions: {}, exposed: {}, types: {}, transforms: {}, feeds: {}, methods: {} }
}

/** `isFault`: the text itself is wrong, whatever the values; without it the values did not fit at this time. */
export type Outcome = { value: unknown } | { same: [name: string, property: string] } | { error: string; isFault?: boolean }

export type ToWorker =
  /** `changes`: values that the worker does not have yet, so that large results are sent once. */
  | { do: 'load'; model: Model; changes: Record<string, Record<string, unknown>>; removed: string[]; isCareful: boolean; poisoned: string[] }
  /** `dropped`: what the state holds no more, so that a default shows again. */
  | { do: 'state'; sequence: number; name: string; changes: Record<string, unknown>; dropped: string[] }
  /** The same texts once for each of several sets of names that only they see. */
  | { do: 'each'; sequence: number; templates: Templates; locals: Record<string, unknown>[] }
  /** `locals`: names that only these texts see, such as `args`, and members of other names that are different for them. */
  | { do: 'evaluate'; sequence: number; templates: Templates; expressions: Record<string, string>; locals: Record<string, unknown> }
  /** Runs a script; `ended` tells of its end. */
  | { do: 'script'; run: number; code: string; locals: Record<string, unknown> }
  /** What a script's call gave. */
  | { do: 'answer'; run: number; call: number; outcome: { value: unknown } | { error: string } }
  /** The script's time is over: what it still asks for is refused. */
  | { do: 'stop'; run: number }
  | { do: 'cut'; sequence: number; text: string }

export type FromWorker =
  | { event: 'ready' }
  /** Only in careful mode: what is about to be evaluated, so that an endless loop can be named. */
  | { event: 'evaluating'; id: string }
  /** Not done yet, and not stuck. */
  | { event: 'working' }
  | { event: 'loaded'; changed: Record<string, Outcome>; dependencies: Record<string, string[]>; slow: Record<string, number> }
  /** `slow`: bindings that took long, in milliseconds. */
  | { event: 'changed'; sequence: number; changed: Record<string, Outcome>; slow: Record<string, number> }
  | { event: 'evaluated'; sequence: number; outcomes: Record<string, Outcome> }
  | { event: 'each'; sequence: number; outcomes: Record<string, Outcome>[] }
  | { event: 'cut'; sequence: number; expressions: string[]; error?: string }
  /** A script that began, or went on, has given the worker back. */
  | { event: 'paused' }
  | { event: 'ended'; run: number; outcome: { value: unknown } | { error: string } }
  /** A script asks the page for something; the name is empty for what belongs to no part of the app. */
  | { event: 'call'; run: number; call: number; name: string; method: string; parameters: unknown[] }
  | { event: 'log'; run: number; text: string }
