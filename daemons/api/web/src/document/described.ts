/** Fields of a document as a form describes them: operations and the settings of resources are both written so. */

export type Fields = Record<string, unknown>

interface Common {
  /** Where it is in the document; it may lead inside, as in `body.json`. */
  key: string
  label: string
  hint?: string
  /** Whether the field matters as the document stands. */
  when?: (fields: Fields) => boolean
}

interface Typed extends Common {
  type: 'text' | 'area' | 'json' | 'number' | 'words' | 'named' | 'pairs'
  placeholder?: string
  isRequired?: boolean
  /** What a row is, for a list: `header`. */
  noun?: string
}

interface Checked extends Common {
  type: 'check'
  /** What it is where nothing is said. */
  isOnByDefault?: boolean
}

/** A file, whose bytes are kept as base64. */
interface Filed extends Common {
  type: 'file'
  /** File name endings, as `<input type="file">` wants them. */
  accept: string
}

interface Chosen extends Common {
  type: 'choice'
  /** The first is what it is where nothing is said. */
  options: readonly (readonly [value: string, label: string])[]
}

/** Which of several forms an object has: its own fields depend on it, so a choice begins it anew. */
interface Variant extends Common {
  type: 'variant'
  /** The member that says it, be it inside. The object is the document itself where `key` is empty. */
  tag: string
  options: readonly (readonly [value: string, label: string, begin: Fields | undefined])[]
}

export type DescribedField = Typed | Checked | Filed | Chosen | Variant

export function valueAt(fields: Fields, path: string): unknown {
  if (path === '') return fields
  return path.split('.').reduce<unknown>((found, key) => (typeof found === 'object' && found !== null ? (found as Fields)[key] : undefined), fields)
}

/** The document with one field changed; one without a value is left out. */
export function withValue(fields: Fields, path: string, value: unknown): Fields {
  if (path === '') return value as Fields
  const [key = '', ...rest] = path.split('.')
  const inner = rest.length === 0 ? value : withValue((fields[key] as Fields | undefined) ?? {}, rest.join('.'), value)
  const { [key]: _, ...others } = fields
  return inner === undefined ? others : { ...fields, [key]: inner }
}

/** The variant that an object has; the first where it does not say. */
export function variantOf(field: Variant, fields: Fields): string {
  const tag = valueAt(fields, field.key === '' ? field.tag : `${field.key}.${field.tag}`)
  return typeof tag === 'string' ? tag : (field.options[0]?.[0] ?? '')
}

/** A condition: whether a text is one of these. The first counts where nothing is said. */
export function isOneOf(path: string, ...values: string[]): (fields: Fields) => boolean {
  return (fields) => {
    const value = valueAt(fields, path)
    return typeof value === 'string' && values.includes(value)
  }
}
