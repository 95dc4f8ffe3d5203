/** Options of a choice: from a list, from rows of a query, or from a map of values to labels. */
import type { Read } from '../../runtime/kinds'
import { jsonOf, textOf } from '../../runtime/values'

export interface Option {
  value: unknown
  label: string
}

export function optionsOf(read: Read): Option[] {
  const given = jsonOf(read('options'))
  const [labelKey, valueKey] = [textOf(read('label-key')), textOf(read('value-key'))]
  if (Array.isArray(given)) return given.flatMap((item) => optionOf(item, labelKey, valueKey))
  if (typeof given === 'object' && given !== null) return Object.entries(given).map(([value, label]) => ({ value, label: textOf(label) || value }))
  return []
}

function optionOf(item: unknown, labelKey: string, valueKey: string): Option[] {
  if (item === null || item === undefined) return []
  if (typeof item !== 'object') return [{ value: item, label: textOf(item) }]
  const row = item as Record<string, unknown>
  const [first] = Object.keys(row)
  const value = row[valueKey || (['value', 'id'].find((key) => key in row) ?? first ?? '')]
  if (value === null || value === undefined) return []
  const label = row[labelKey || (['label', 'name', 'title'].find((key) => key in row) ?? '')]
  return [{ value, label: textOf(label) || textOf(value) }]
}

/** The value of the option that was asked for. */
export function chosenOption(options: unknown, asked: unknown, what: string): unknown {
  const all = optionsOf((property) => (property === 'options' ? options : undefined))
  const found = all.find(({ value }) => isSame(value, asked))
  if (!found) throw new Error(`there is no ${what} ${textOf(asked)}: it has ${all.map(({ value }) => textOf(value)).join(', ') || 'none'}`)
  return found.value
}

/** Numbers from a database and texts from an address are the same choice. */
export function isSame(left: unknown, right: unknown): boolean {
  return textOf(left) === textOf(right)
}

/** Options whose labels contain what was typed, those that begin with it first. */
export function matching(options: Option[], typed: string): Option[] {
  const wanted = typed.trim().toLocaleLowerCase()
  if (wanted === '') return options
  const found = options.map((option) => ({ option, at: option.label.toLocaleLowerCase().indexOf(wanted) })).filter(({ at }) => at >= 0)
  return [...found.filter(({ at }) => at === 0), ...found.filter(({ at }) => at > 0)].map(({ option }) => option)
}

/** The option after `index` in a direction; at an end it stays. */
export function stepped(index: number, by: number, count: number): number {
  return count === 0 ? -1 : Math.max(0, Math.min(count - 1, index + by))
}
