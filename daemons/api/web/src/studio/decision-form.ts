/** What somebody fills into the form of a question, as the server takes it. */
import type { FormField } from '../api/types'

/** As it stands in the fields: a text each, or ticked. */
export type Filled = Record<string, string | boolean>

/** What stands in the fields at the start. */
export function filledAtStart(fields: FormField[]): Filled {
  return Object.fromEntries(fields.map((field) => [field.name, field.type === 'boolean' ? field.default === true : field.default === null || field.default === undefined ? '' : String(field.default)]))
}

/** The answers: what is empty is null, and says so, or else the server would take the default. */
export function answersOf(fields: FormField[], filled: Filled): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, answerOf(field, filled[field.name])]))
}

function answerOf(field: FormField, value: string | boolean | undefined): unknown {
  if (field.type === 'boolean') return value === true
  if (typeof value !== 'string' || value.trim() === '') return null
  // What is no number is told by the server, at its field.
  if (field.type === 'number') return Number.isFinite(Number(value)) ? Number(value) : value
  return value
}
