/** Which names may follow where one is being written. */
import { type Values, brief, valueAtPath } from './values'

export interface Completion {
  label: string
  /** What it is worth now. */
  detail: string
  isMethod?: boolean
}

export interface Completions {
  /** Where the word begins that is completed. */
  from: number
  options: Completion[]
}

const mostOptions = 100

const ofLists = ['length', 'map', 'filter', 'find', 'slice', 'toSorted', 'reduce', 'join', 'includes', 'at', 'some', 'every', 'flatMap']
const ofTexts = ['length', 'toLowerCase', 'toUpperCase', 'trim', 'slice', 'split', 'includes', 'startsWith', 'endsWith', 'replaceAll', 'padStart']
const ofNumbers = ['toFixed', 'toLocaleString']

/** Completions for what stands before the caret. In a text only what lies in `{{ }}` is code. */
export function completionsAt(before: string, isCode: boolean, values: Values, methodsOf: (name: string) => readonly Completion[] = () => [], texts: Readonly<Record<string, string>> = {}): Completions | undefined {
  if (!isCode) {
    const open = before.lastIndexOf('{{')
    if (open < 0 || before.indexOf('}}', open) >= 0) return undefined
  }
  const [, , key] = /(?:^|[^\w$.])t\(\s*(["'`])([\w.-]*)$/.exec(before) ?? []
  if (key !== undefined) return keysAt(before, key, texts)
  const written = /[A-Za-z_$][\w$]*(?:\s*(?:\?\.|\.)\s*[\w$]*|\[\d+\])*$/.exec(before)?.[0] ?? ''
  if (written === '' && !/\{\{\s*$/.test(before)) return undefined
  // A name in a text or after a digit is none.
  if (/['"`\w$.]$/.test(before.slice(0, before.length - written.length))) return undefined
  const parts = written.replaceAll('?.', '.').replaceAll('[', '.').replaceAll(']', '').split('.').map((part) => part.trim())
  const typed = parts.at(-1) ?? ''
  const path = parts.slice(0, -1)
  const around = path.length === 0 ? values : valueAtPath(values, path)
  const found = path.length === 0 || (typeof around === 'object' && around !== null && !Array.isArray(around)) ? members(around as Values) : builtIns(around)
  const methods = isCode && path.length === 1 ? methodsOf(path[0] ?? '') : []
  const wanted = typed.toLowerCase()
  const options = [...found, ...methods]
    .filter(({ label }) => label.toLowerCase().startsWith(wanted) && label !== typed)
    .sort((a, b) => Number(b.label.startsWith(typed)) - Number(a.label.startsWith(typed)) || a.label.localeCompare(b.label, 'en'))
  return options.length === 0 ? undefined : { from: before.length - typed.length, options: options.slice(0, mostOptions) }
}

/** Keys of texts that hold what is typed, those that begin with it first. */
function keysAt(before: string, typed: string, texts: Readonly<Record<string, string>>): Completions | undefined {
  const wanted = typed.toLowerCase()
  const options = Object.entries(texts)
    .filter(([key]) => key !== typed && key.toLowerCase().includes(wanted))
    .map(([label, text]) => ({ label, detail: brief(text, 40) }))
    .sort((a, b) => Number(b.label.startsWith(typed)) - Number(a.label.startsWith(typed)) || a.label.localeCompare(b.label, 'en'))
  return options.length === 0 ? undefined : { from: before.length - typed.length, options: options.slice(0, mostOptions) }
}

function members(values: Values): Completion[] {
  // What is no name is read with brackets, which nobody wants to be completed.
  return Object.keys(values).flatMap((label) => (/^[A-Za-z_$][\w$]*$/.test(label) ? [{ label, detail: brief(values[label], 40) }] : []))
}

function builtIns(value: unknown): Completion[] {
  const names = Array.isArray(value) ? ofLists : typeof value === 'string' ? ofTexts : typeof value === 'number' ? ofNumbers : []
  return names.map((label) => ({ label, detail: label === 'length' ? brief((value as string).length) : '', isMethod: label !== 'length' }))
}
