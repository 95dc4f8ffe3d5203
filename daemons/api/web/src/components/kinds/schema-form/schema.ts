/** The part of JSON Schema that forms are made of. What it does not know of a property makes it a field of JSON. */
import { asType, jsonOf, textOf } from '../../../runtime/values'
import { plural, t } from '../../../messages/messages'

export interface Schema {
  type?: unknown
  title?: unknown
  description?: unknown
  enum?: unknown
  const?: unknown
  default?: unknown
  properties?: unknown
  required?: unknown
  items?: unknown
  format?: unknown
  pattern?: unknown
  minimum?: unknown
  maximum?: unknown
  minLength?: unknown
  maxLength?: unknown
}

export type FieldKind = 'object' | 'choice' | 'flag' | 'number' | 'text' | 'area' | 'date' | 'datetime' | 'time' | 'list' | 'choices' | 'json' | 'fixed'

export const deepest = 6
const mostFields = 200

export function schemaOf(value: unknown): Schema | undefined {
  const given = jsonOf(value)
  return typeof given === 'object' && given !== null && !Array.isArray(given) ? (given as Schema) : undefined
}

export function fieldsOf(schema: Schema): { key: string; schema: Schema; isRequired: boolean }[] {
  const { properties } = schema
  if (typeof properties !== 'object' || properties === null) return []
  const required = Array.isArray(schema.required) ? schema.required : []
  return Object.entries(properties)
    .slice(0, mostFields)
    .flatMap(([key, value]) => {
      const own = schemaOf(value)
      // Names that every object has already are none that a form may set.
      return own && !['__proto__', 'constructor', 'prototype'].includes(key) ? [{ key, schema: own, isRequired: required.includes(key) }] : []
    })
}

function typeOf(schema: Schema): string {
  // `["string", "null"]` is a text that may be left out.
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type
  return textOf(type)
}

export function kindOf(schema: Schema, depth = 0): FieldKind {
  if (schema.const !== undefined) return 'fixed'
  if (Array.isArray(schema.enum)) return 'choice'
  switch (typeOf(schema)) {
    case 'object':
      return fieldsOf(schema).length > 0 && depth < deepest ? 'object' : 'json'
    case 'boolean':
      return 'flag'
    case 'number':
    case 'integer':
      return 'number'
    case 'array': {
      const items = schemaOf(schema.items)
      if (!items) return 'json'
      if (Array.isArray(items.enum)) return 'choices'
      return depth < deepest ? 'list' : 'json'
    }
    case 'string':
      if (schema.format === 'date') return 'date'
      if (schema.format === 'date-time') return 'datetime'
      if (schema.format === 'time') return 'time'
      return typeof schema.maxLength === 'number' && schema.maxLength > 200 ? 'area' : 'text'
    default:
      return fieldsOf(schema).length > 0 && depth < deepest ? 'object' : 'json'
  }
}

/** The value that a form of the schema begins with. */
export function begun(schema: Schema, given: unknown, depth = 0): unknown {
  if (schema.const !== undefined) return schema.const
  if (kindOf(schema, depth) !== 'object') return given ?? schema.default
  const value = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {}
  const own = schemaOf(schema.default) as Record<string, unknown> | undefined
  const begunWith = Object.fromEntries(fieldsOf(schema).map((field) => [field.key, begun(field.schema, value[field.key] ?? own?.[field.key], depth + 1)]))
  return withoutEmpty({ ...value, ...begunWith })
}

export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

export function withoutEmpty(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => !isBlank(item)))
}

/** What is wrong, by the way to the field: `address.city`. */
export function problemsOf(schema: Schema, value: unknown, path = '', depth = 0): Record<string, string> {
  const found: Record<string, string> = {}
  const kind = kindOf(schema, depth)
  if (kind === 'object') {
    const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
    for (const field of fieldsOf(schema)) {
      const at = path === '' ? field.key : `${path}.${field.key}`
      const item = object[field.key]
      if (isBlank(item) && kindOf(field.schema, depth + 1) !== 'object') {
        if (field.isRequired) found[at] = t('Fill this in.')
      } else if (field.isRequired || !isBlank(item)) Object.assign(found, problemsOf(field.schema, item, at, depth + 1))
    }
    return found
  }
  if (kind === 'list' && Array.isArray(value)) {
    const items = schemaOf(schema.items) ?? {}
    value.forEach((item, index) => Object.assign(found, problemsOf(items, item, `${path}.${index}`, depth + 1)))
    return found
  }
  const problem = problemOf(schema, kind, value)
  if (problem) found[path] = problem
  return found
}

function problemOf(schema: Schema, kind: FieldKind, value: unknown): string | undefined {
  const { minimum, maximum, minLength, maxLength, pattern, format } = schema
  if (kind === 'number') {
    if (typeof value !== 'number') return t('Write a number.')
    if (typeOf(schema) === 'integer' && !Number.isInteger(value)) return t('Write a whole number.')
    if (typeof minimum === 'number' && value < minimum) return t('Give {least} or more.', { least: minimum })
    if (typeof maximum === 'number' && value > maximum) return t('Give {most} or less.', { most: maximum })
  }
  if (kind === 'text' || kind === 'area') {
    const text = textOf(value)
    if (typeof minLength === 'number' && text.length < minLength) return plural(minLength, 'Write at least {count} character.', 'Write at least {count} characters.')
    if (typeof maxLength === 'number' && text.length > maxLength) return plural(maxLength, 'Write at most {count} character.', 'Write at most {count} characters.')
    if (format === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) return t('Write an address such as {example}.', { example: 'ada@example.org' })
    if (format === 'uri' && !URL.canParse(text)) return t('Write an address such as {example}.', { example: 'https://example.org' })
    if (typeof pattern === 'string' && !matches(pattern, text)) return t('This has to match {pattern}.', { pattern })
  }
  if (kind === 'date' && asType('date', value) === null) return t('Choose a day.')
  return undefined
}

/** A pattern is of whoever wrote the schema: a long text would give a bad one too much to do. */
function matches(pattern: string, text: string): boolean {
  try {
    return text.length > 500 || new RegExp(pattern, 'u').test(text)
  } catch {
    return true
  }
}
