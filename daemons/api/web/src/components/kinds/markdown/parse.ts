/**
 * Markdown as a tree: headings, paragraphs, lists, quotes, code, tables, rules; bold, italic, struck, code and links in a line.
 *
 * HTML in it stays text. Nothing here backtracks, so that no text takes long.
 */

export type Inline = { kind: 'text'; text: string } | { kind: 'code'; text: string } | { kind: 'strong' | 'em' | 'del'; children: Inline[] } | { kind: 'link'; href: string; children: Inline[] } | { kind: 'break' }

export type Block =
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'list'; isOrdered: boolean; start: number; items: Block[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

const maxText = 200_000
const maxDepth = 8
/** How far a closing mark is looked for. */
const maxSpan = 2000

export function parseMarkdown(text: string): Block[] {
  return blocksOf(text.slice(0, maxText).split(/\r?\n/), 0)
}

const bullet = /^( {0,3})([-*+]|\d{1,9}[.)])( +)(?=\S)/

function blocksOf(lines: string[], depth: number): Block[] {
  const blocks: Block[] = []
  let at = 0
  const line = (index: number) => lines[index] ?? ''
  while (at < lines.length) {
    const now = line(at)
    if (now.trim() === '') {
      at += 1
      continue
    }
    const [, fence, language = ''] = /^ {0,3}(```|~~~) *([\w+#.-]*)/.exec(now) ?? []
    if (fence) {
      const from = ++at
      while (at < lines.length && !line(at).trimStart().startsWith(fence)) at += 1
      blocks.push({ kind: 'code', language, text: lines.slice(from, at).join('\n') })
      at += 1
      continue
    }
    const heading = /^ {0,3}(#{1,6}) (.*)$/.exec(now)
    if (heading) {
      blocks.push({ kind: 'heading', level: heading[1]?.length ?? 1, children: inlineOf((heading[2] ?? '').trim(), depth) })
      at += 1
      continue
    }
    if (/^ {0,3}([-*_])( *\1){2,} *$/.test(now)) {
      blocks.push({ kind: 'rule' })
      at += 1
      continue
    }
    if (now.startsWith('>') && depth < maxDepth) {
      const from = at
      while (at < lines.length && line(at).startsWith('>')) at += 1
      blocks.push({ kind: 'quote', blocks: blocksOf(lines.slice(from, at).map((quoted) => quoted.replace(/^> ?/, '')), depth + 1) })
      continue
    }
    if (bullet.test(now) && depth < maxDepth) {
      const [list, next] = listAt(lines, at, depth)
      blocks.push(list)
      at = next
      continue
    }
    if (now.includes('|') && /^[ |:-]*-[ |:-]*$/.test(line(at + 1)) && line(at + 1).includes('|')) {
      const head = cellsOf(now, depth)
      const rows: Inline[][][] = []
      at += 2
      while (at < lines.length && line(at).includes('|')) rows.push(cellsOf(line(at++), depth))
      blocks.push({ kind: 'table', head, rows })
      continue
    }
    const from = at
    while (at < lines.length && line(at).trim() !== '' && (at === from || !startsBlock(line(at)))) at += 1
    blocks.push({ kind: 'paragraph', children: inlineOf(lines.slice(from, at).map((part) => part.trimStart()).join('\n'), depth) })
  }
  return blocks
}

function startsBlock(line: string): boolean {
  return bullet.test(line) || /^ {0,3}(#{1,6} |```|~~~)/.test(line) || line.startsWith('>')
}

function listAt(lines: string[], start: number, depth: number): [Block, number] {
  const marker = bullet.exec(lines[start] ?? '')?.[2] ?? '-'
  const isOrdered = /\d/.test(marker)
  const items: Block[][] = []
  let at = start
  for (;;) {
    const match = bullet.exec(lines[at] ?? '')
    if (!match || /\d/.test(match[2] ?? '') !== isOrdered) break
    const width = match[0].length
    const own = [(lines[at] ?? '').slice(width)]
    at += 1
    while (at < lines.length) {
      const line = lines[at] ?? ''
      const isIndented = line.startsWith(' '.repeat(Math.min(width, 2))) && line.trim() !== ''
      if (isIndented) own.push(line.slice(Math.min(width, line.length - line.trimStart().length)))
      else if (line.trim() === '' && (lines[at + 1] ?? '').startsWith(' '.repeat(width))) own.push('')
      else break
      at += 1
    }
    items.push(blocksOf(own, depth + 1))
    if ((lines[at] ?? '').trim() === '' && bullet.test(lines[at + 1] ?? '')) at += 1
  }
  return [{ kind: 'list', isOrdered, start: isOrdered ? Number.parseInt(marker, 10) : 1, items }, at]
}

function cellsOf(line: string, depth: number): Inline[][] {
  return line
    .trim()
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split('|')
    .map((cell) => inlineOf(cell.trim(), depth))
}

const marks = [
  ['**', 'strong'],
  ['__', 'strong'],
  ['~~', 'del'],
  ['*', 'em'],
  ['_', 'em'],
] as const

function inlineOf(text: string, depth: number): Inline[] {
  const parts: Inline[] = []
  let plain = ''
  let at = 0
  const push = (part: Inline) => {
    if (plain !== '') parts.push({ kind: 'text', text: plain })
    plain = ''
    parts.push(part)
  }
  while (at < text.length) {
    const char = text[at] ?? ''
    if (char === '\\' && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? '')) {
      plain += text[at + 1]
      at += 2
      continue
    }
    if (char === '\n') {
      if (plain.endsWith('  ') || plain.endsWith('\\')) {
        plain = plain.replace(/(?: {2,}|\\)$/, '')
        push({ kind: 'break' })
      } else plain += '\n'
      at += 1
      continue
    }
    const special = depth < maxDepth ? spanAt(text, at, depth) : undefined
    if (special) {
      push(special.part)
      at = special.next
      continue
    }
    plain += char
    at += 1
  }
  if (plain !== '') parts.push({ kind: 'text', text: plain })
  return parts
}

function spanAt(text: string, at: number, depth: number): { part: Inline; next: number } | undefined {
  const find = (mark: string, from: number) => {
    const found = text.slice(from, from + maxSpan).indexOf(mark)
    return found < 0 ? -1 : from + found
  }
  if (text[at] === '`') {
    const end = find('`', at + 1)
    return end < 0 ? undefined : { part: { kind: 'code', text: text.slice(at + 1, end) }, next: end + 1 }
  }
  if (text[at] === '[') {
    const middle = find('](', at + 1)
    const end = middle < 0 ? -1 : find(')', middle + 2)
    if (end < 0) return undefined
    return { part: { kind: 'link', href: text.slice(middle + 2, end).trim(), children: inlineOf(text.slice(at + 1, middle), depth + 1) }, next: end + 1 }
  }
  for (const [mark, kind] of marks) {
    if (!text.startsWith(mark, at) || /\s/.test(text[at + mark.length] ?? ' ')) continue
    // `snake_case` is no emphasis.
    if (mark.startsWith('_') && /\w/.test(text[at - 1] ?? ' ')) continue
    const end = find(mark, at + mark.length + 1)
    if (end < 0 || /\s/.test(text[end - 1] ?? ' ')) continue
    return { part: { kind, children: inlineOf(text.slice(at + mark.length, end), depth + 1) }, next: end + mark.length }
  }
  return undefined
}
