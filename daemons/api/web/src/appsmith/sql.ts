/**
 * Bindings in SQL of Appsmith where no database takes a parameter: in texts, names and comments. The server refuses them there.
 */
import type { Expression } from '../evaluator/binding'
import { cutAtBindings } from '../document/source-edits'

/** As far as it matters where texts and comments begin and end. */
export type Dialect = 'postgresql' | 'mysql' | 'sql-server'

type Place =
  | { in: 'plain' }
  /** `escapes`: a backslash takes the next character along. */
  | { in: 'text'; quote: string; escapes: boolean; begun: string; parts: (string | { raw: string; binding: Expression })[] }
  | { in: 'name' | 'dollar' | 'line' | 'block'; end: string }

const plain: Place = { in: 'plain' }

/** The statement with a binding that stands in a text grown to the whole of it, and those in comments as words; or the binding that nothing helps. */
export function withWholeTexts(statement: string, dialect: Dialect): { statement: string } | { stuck: string } {
  let place: Place = plain
  let written = ''
  for (const piece of cutAtBindings(statement)) {
    if (typeof piece !== 'string') {
      if (place.in === 'plain') written += piece.raw
      else if (place.in === 'text') place.parts.push(piece)
      else if (place.in === 'line' || place.in === 'block') written += piece.raw.replaceAll('{{', '{ {')
      else return { stuck: piece.raw }
      continue
    }
    for (let at = 0; at < piece.length; ) {
      const rest = piece.slice(at)
      let length = 1
      if (place.in === 'plain') {
        const entered = entering(rest, piece.slice(Math.max(0, at - 2), at), dialect)
        length = entered.length
        if (entered.place.in === 'text') written = written.slice(0, written.length - entered.place.begun.length + length)
        else written += rest.slice(0, length)
        place = entered.place
      } else if (place.in === 'text') {
        const { quote, escapes } = place
        if (rest.startsWith(quote + quote) || (escapes && rest.startsWith('\\'))) length = Math.min(2, rest.length)
        else if (rest.startsWith(quote)) {
          const text = textOf(place, dialect)
          // Behind the name of a type stands a text, never a parameter.
          const [typed, type] = (dialect === 'postgresql' && text.startsWith('{{') && /\b(date|interval|time|timestamp|timestamptz)\s*$/i.exec(written.slice(-40))) || []
          written = typed === undefined ? written + text : `${written.slice(0, -typed.length)}${text}::text::${type}`
          place = plain
          at += 1
          continue
        }
        place.parts.push(rest.slice(0, length))
      } else {
        if (place.in === 'name' && rest.startsWith(place.end + place.end)) length = 2
        else if (rest.startsWith(place.end)) length = place.end.length
        written += rest.slice(0, length)
        if (rest.startsWith(place.end) && !(place.in === 'name' && length === 2)) place = plain
      }
      at += length
    }
  }
  if (place.in !== 'text') return { statement: written }
  const stuck = place.parts.find((part) => typeof part !== 'string')
  return stuck ? { stuck: stuck.raw } : { statement: written + place.begun + place.parts.join('') }
}

/** What the characters at the start of `rest` begin, and how many they are; `before` are the two before them. */
function entering(rest: string, before: string, dialect: Dialect): { place: Place; length: number } {
  const at = (place: Place, length: number) => ({ place, length })
  if (rest.startsWith('/*')) return at({ in: 'block', end: '*/' }, 2)
  if (rest.startsWith("'") || (dialect === 'mysql' && rest.startsWith('"'))) {
    const quote = rest[0] ?? "'"
    // E'' has backslashes, N'' is a text of SQL Server: the letter belongs to the text.
    const letter = dialect === 'mysql' ? '' : (/(?<![\w$])[en]$/i.exec(before)?.[0] ?? '')
    return at({ in: 'text', quote, escapes: dialect === 'mysql' || letter.toLowerCase() === 'e', begun: letter + quote, parts: [] }, 1)
  }
  if (rest.startsWith('"')) return at({ in: 'name', end: '"' }, 1)
  if (dialect === 'mysql' && rest.startsWith('`')) return at({ in: 'name', end: '`' }, 1)
  if (dialect === 'sql-server' && rest.startsWith('[')) return at({ in: 'name', end: ']' }, 1)
  if (dialect === 'mysql' ? /^(#|--(\s|$))/.test(rest) : rest.startsWith('--')) return at({ in: 'line', end: '\n' }, 1)
  const tag = dialect === 'postgresql' && !/\w$/.test(before) ? /^\$([A-Za-z_]\w*)?\$/.exec(rest)?.[0] : undefined
  return tag === undefined ? at(plain, 1) : at({ in: 'dollar', end: tag }, tag.length)
}

/** A text as it was, or as one binding where it holds some. */
function textOf({ quote, escapes, begun, parts }: Extract<Place, { in: 'text' }>, dialect: Dialect): string {
  const [only] = parts
  if (parts.length === 1 && typeof only === 'object') return only.raw
  if (parts.every((part) => typeof part === 'string')) return begun + parts.join('') + quote
  const inside = parts.map((part) => (typeof part === 'string' ? inTemplate(charactersOf(part, escapes, dialect)) : `\${${valueOf(part.binding)} ?? ''}`))
  return `{{ \`${inside.join('')}\` }}`
}

const escaped: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b' }

/** What one or two characters of a text stand for. */
function charactersOf(text: string, escapes: boolean, dialect: Dialect): string {
  if (text.length < 2) return text
  const second = text[1] ?? ''
  if (!escapes || text[0] !== '\\') return second
  // A pattern has them escaped in the end.
  if (dialect === 'mysql' && (second === '%' || second === '_')) return text
  return escaped[second] ?? second
}

function inTemplate(text: string): string {
  return text.replace(/[\\`]/g, '\\$&').replace(/\$/g, '\\$')
}

function valueOf({ source, isExpression }: Expression): string {
  if (!isExpression) return `(() => { ${source}\n})()`
  if (/^[\w$.?]+$/.test(source)) return source
  // A comment ends with its line.
  return source.includes('//') ? `(${source}\n)` : `(${source})`
}
