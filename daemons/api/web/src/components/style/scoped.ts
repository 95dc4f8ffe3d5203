/**
 * The style sheet of an app, so that it touches nothing but the app. It is read by a grammar of its own, which knows less than a browser
 * does: whatever it does not know is refused, with its line, and what comes out is written anew from what was read.
 *
 * Selectors begin below the app's element, and classes are the app's own: `.urgent` is `.own-urgent`, what a component of the class
 * `urgent` carries. Nothing is fetched, nothing is fixed to the window.
 */

export const mostStyle = 64 * 1024
/** What marks the element around an app. */
const scope = '[data-app-style]'
const deepest = 4

export type Scoped = { css: string } | { problem: string; line: number }

export function scopedStyle(text: string): Scoped {
  if (text.length > mostStyle) return { problem: `The style sheet is longer than ${mostStyle / 1024} KB.`, line: 1 }
  const reader = new Reader(text)
  try {
    return { css: rules(reader, 0).join('\n') }
  } catch (error) {
    if (error instanceof StyleError) return { problem: error.message, line: reader.lineAt(error.at) }
    throw error
  }
}

class StyleError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message)
  }
}

/** A text up to one of some characters, which stand neither in strings nor in brackets. */
interface Piece {
  text: string
  at: number
  end: string
}

class Reader {
  private at = 0
  private readonly text: string

  constructor(text: string) {
    // Comments become blanks, so that places stay.
    this.text = text.replace(/\r\n?|\f/g, '\n').replace(/"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'|\/\*[^]*?(?:\*\/|$)/g, (found) => (found.startsWith('/*') ? found.replace(/[^\n]/g, ' ') : found))
  }

  lineAt(at: number): number {
    return this.text.slice(0, at).split('\n').length
  }

  /** The next character that is no blank. */
  peek(): string {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1
    return this.text[this.at] ?? ''
  }

  skip(): void {
    this.at += 1
  }

  /** Up to `{`, `;` or `}`, of which `}` stays unread. */
  piece(): Piece {
    this.peek()
    const from = this.at
    const open: string[] = []
    for (; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at] ?? ''
      if (char === '"' || char === "'") this.string(char)
      else if (char === '\\') throw new StyleError('A backslash is for texts in quotes alone.', this.at)
      else if (char === '(' || char === '[') open.push(char === '(' ? ')' : ']')
      else if (char === ')' || char === ']') {
        if (open.pop() !== char) throw new StyleError(`${char} closes nothing.`, this.at)
      } else if (open.length > 0 ? char === '{' || char === '}' : char === '{' || char === '}' || char === ';') {
        if (open.length > 0) throw new StyleError(`${open.at(-1)} is missing.`, from)
        const text = this.text.slice(from, this.at).trim()
        if (char !== '}') this.at += 1
        return { text, at: from, end: char }
      }
    }
    if (open.length > 0) throw new StyleError(`${open.at(-1)} is missing.`, from)
    return { text: this.text.slice(from).trim(), at: from, end: '' }
  }

  private string(quote: string): void {
    const from = this.at
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at]
      if (char === '\\') this.at += 1
      else if (char === quote) return
      else if (char === '\n') break
    }
    throw new StyleError('The text in quotes is never closed.', from)
  }
}

/** Rules up to the end, or up to the brace that closes what is around them. */
function rules(reader: Reader, depth: number): string[] {
  const found: string[] = []
  for (let next = reader.peek(); next !== '' && (depth === 0 || next !== '}'); next = reader.peek()) {
    const piece = reader.piece()
    if (piece.text.startsWith('@')) found.push(`${condition(piece)} {\n${block(reader, piece, depth, () => rules(reader, depth + 1)).join('\n')}\n}`)
    else {
      if (piece.end !== '{') throw new StyleError(piece.text === '' ? `${piece.end} closes nothing.` : 'A rule is a selector and declarations in braces.', piece.at)
      const selector = outerSelector(piece)
      found.push(`${selector} {\n${block(reader, piece, depth, () => declarations(reader, depth + 1, !selector.split(',').some((one) => isRoot(one)))).join('\n')}\n}`)
    }
  }
  return found
}

function block(reader: Reader, { at }: Piece, depth: number, read: () => string[]): string[] {
  if (depth >= deepest) throw new StyleError(`Rules stand deeper than ${deepest} in each other.`, at)
  const found = read()
  if (reader.peek() !== '}') throw new StyleError('} is missing.', at)
  reader.skip()
  return found
}

/** What stands in a rule: declarations, and rules that begin with it. */
function declarations(reader: Reader, depth: number, mayNest: boolean): string[] {
  const found: string[] = []
  for (let next = reader.peek(); next !== '' && next !== '}'; next = reader.peek()) {
    const piece = reader.piece()
    if (piece.text.startsWith('@')) found.push(`${condition(piece)} {\n${block(reader, piece, depth, () => declarations(reader, depth + 1, mayNest)).join('\n')}\n}`)
    else if (piece.end === '{') {
      if (!mayNest) throw new StyleError('Rules in that of :root are written as rules of their own.', piece.at)
      found.push(`${innerSelector(piece)} {\n${block(reader, piece, depth, () => declarations(reader, depth + 1, true)).join('\n')}\n}`)
    } else if (piece.text !== '') found.push(`${declaration(piece)};`)
  }
  return found
}

const conditions = ['media', 'supports', 'container']

function condition({ text, at, end }: Piece): string {
  const name = /^@([\w-]*)/.exec(text)?.[1]?.toLowerCase() ?? ''
  if (!conditions.includes(name)) throw new StyleError(`@${name} cannot be used here: only ${conditions.map((one) => `@${one}`).join(', ')}.`, at)
  if (end !== '{') throw new StyleError(`@${name} is followed by rules in braces.`, at)
  if (!/^@[\w-]+[\s\w()<>=:.,/%-]*$/.test(text)) throw new StyleError('This condition cannot be read.', at)
  functions(text.replace(/^@[\w-]+/, '').replace(/\b(and|or|not|only)\s*\(/gi, '('), at)
  return text
}

// Selectors -----------------------------------------------------------------------------------------------------------------

const root = /^:root(?=$|\s*>|\s+[^\s+~|>])/

function isRoot(selector: string): boolean {
  return selector.trim() === scope
}

/** Of a rule that stands in none: what it finds is in the app, however it goes on from there. */
function outerSelector(piece: Piece): string {
  return selectors(piece).map((selector) => {
    if (selector.includes('&')) throw new StyleError('& is for rules in other rules.', piece.at)
    if (root.test(selector)) return selector.replace(root, scope)
    if (/^[>+~|]/.test(selector)) throw new StyleError(`${selector[0]} has nothing before it.`, piece.at)
    return `${scope} ${selector}`
  }).join(', ')
}

/** Of a rule in a rule: it begins with what that one finds, or lies below it. */
function innerSelector(piece: Piece): string {
  return selectors(piece).map((selector) => {
    // `body:has(&)` would find what is around the app.
    if (selector.includes('&') && !selector.startsWith('&')) throw new StyleError('& begins a selector.', piece.at)
    return selector
  }).join(', ')
}

function selectors({ text, at }: Piece): string[] {
  // Texts in quotes may hold anything.
  const bare = text.replace(/"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/g, (found) => '"'.padEnd(found.length, 'x'))
  const strange = /[^\w\s.#:[\]()"=*>+~,^$|&\-\u0080-\uFFFF]/.exec(bare)
  if (strange) throw new StyleError(`${strange[0]} does not belong into a selector.`, at)
  const parts: string[] = []
  let [from, depth] = [0, 0]
  const take = (to: number) => {
    const part = text.slice(from, to)
    if (part.trim() === '') throw new StyleError('A selector is missing.', at)
    parts.push(withOwnClasses(part, bare.slice(from, to)).trim())
  }
  for (let index = 0; index < bare.length; index += 1) {
    const char = bare[index]
    if (char === '(' || char === '[') depth += 1
    else if (char === ')' || char === ']') depth -= 1
    else if (char === ',' && depth === 0) {
      take(index)
      from = index + 1
    }
  }
  take(text.length)
  return parts
}

/** `.urgent` as `.own-urgent`; `bare` is the same without what stands in quotes. */
function withOwnClasses(text: string, bare: string): string {
  let made = ''
  let at = 0
  for (const { index } of bare.matchAll(/\.(?=[A-Za-z_-])/g)) {
    made += `${text.slice(at, index)}.own-`
    at = index + 1
  }
  return made + text.slice(at)
}

// Declarations --------------------------------------------------------------------------------------------------------------

const known = new Set(
  'abs acos asin atan atan2 attr blur brightness calc circle clamp color color-mix conic-gradient contrast cos counter counters cubic-bezier drop-shadow ellipse env exp fit-content format grayscale hsl hsla hue-rotate hwb hypot inset invert lab lch light-dark linear linear-gradient log matrix matrix3d max min minmax mod oklab oklch opacity path perspective polygon pow radial-gradient rem repeat repeating-conic-gradient repeating-linear-gradient repeating-radial-gradient rgb rgba rotate rotate3d rotatex rotatey rotatez round saturate scale scale3d scalex scaley scalez selector sepia sign sin skew skewx skewy sqrt steps style tan translate translate3d translatex translatey translatez url var'.split(' '),
)

function declaration({ text, at }: Piece): string {
  const [, name = '', value = ''] = /^([\w-]+)\s*:([^]*)$/.exec(text) ?? []
  if (name === '' || value.trim() === '') throw new StyleError('A declaration is a property, a colon and a value.', at)
  const bare = value.replace(/"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/g, '""')
  if (/[<@]/.test(bare)) throw new StyleError(`The value of ${name} cannot be read.`, at)
  functions(value, at)
  if (name.toLowerCase() === 'position' && !/^\s*(static|relative|absolute|sticky)\s*(!\s*important\s*)?$/i.test(value)) throw new StyleError('position is static, relative, absolute or sticky: an app fixes nothing to the window.', at)
  return `${name}: ${value.trim()}`
}

/** Only functions that are known to fetch nothing; of addresses only pictures that stand in the text itself. */
function functions(value: string, at: number): void {
  const outside = value.replace(/"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/g, (found) => '"'.padEnd(found.length, ' '))
  for (const { 1: name = '', index } of outside.matchAll(/([\w-]+)\(/g)) {
    if (!known.has(name.toLowerCase())) throw new StyleError(`${name}() cannot be used here.`, at)
    if (name.toLowerCase() === 'url' && !/^url\(\s*["']?data:image\//i.test(value.slice(index))) throw new StyleError('url() holds a picture itself, as data:image/…: nothing is fetched.', at)
  }
}
