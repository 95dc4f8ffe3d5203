/**
 * From Markdown to the elements that are edited, and back. Elements are made one by one: no markup is ever read from a text.
 */
import { safeHref } from '../../href'
import { type Block, type Inline, parseMarkdown } from '../markdown/parse'

export function toDom(markdown: string): Node[] {
  return parseMarkdown(markdown).map(blockNode)
}

function element(name: string, children: Node[]): HTMLElement {
  const made = document.createElement(name)
  made.append(...children)
  return made
}

function blockNode(block: Block): Node {
  switch (block.kind) {
    case 'heading': {
      // The page has a title already; the deepest two look alike.
      const heading = element(`h${Math.min(6, block.level + 1)}`, block.children.map(inlineNode))
      heading.dataset.level = String(block.level)
      return heading
    }
    case 'paragraph':
      return element('p', block.children.map(inlineNode))
    case 'code': {
      const code = element('pre', [document.createTextNode(block.text)])
      code.dataset.language = block.language
      return code
    }
    case 'quote':
      return element('blockquote', block.blocks.map(blockNode))
    case 'rule':
      return element('hr', [])
    case 'list': {
      const list = element(
        block.isOrdered ? 'ol' : 'ul',
        block.items.map((item) => element('li', item.flatMap((part) => (part.kind === 'paragraph' ? part.children.map(inlineNode) : [blockNode(part)])))),
      )
      if (block.isOrdered) list.setAttribute('start', String(block.start))
      return list
    }
    case 'table': {
      // Tables are edited as the text that they are.
      const lines = [block.head, block.head.map(() => [{ kind: 'text' as const, text: '---' }]), ...block.rows].map((row) => `| ${row.map((cell) => cell.map(written).join('')).join(' | ')} |`)
      const table = element('pre', [document.createTextNode(lines.join('\n'))])
      table.dataset.table = ''
      return table
    }
  }
}

const marks = { strong: '**', em: '*', del: '~~' }

/** A part of a line, as Markdown. */
function written(part: Inline): string {
  switch (part.kind) {
    case 'text':
      return escaped(part.text)
    case 'code':
      return `\`${part.text}\``
    case 'break':
      return ' '
    case 'link':
      return `[${part.children.map(written).join('')}](${part.href})`
    default:
      return `${marks[part.kind]}${part.children.map(written).join('')}${marks[part.kind]}`
  }
}

function inlineNode(part: Inline): Node {
  switch (part.kind) {
    case 'text':
      return document.createTextNode(part.text)
    case 'code':
      return element('code', [document.createTextNode(part.text)])
    case 'break':
      return document.createElement('br')
    case 'link': {
      const link = element('a', part.children.map(inlineNode))
      const href = safeHref(part.href)
      if (href) link.setAttribute('href', href)
      return link
    }
    default:
      return element(part.kind, part.children.map(inlineNode))
  }
}

const blocks = new Set(['P', 'DIV', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'UL', 'OL', 'LI', 'BLOCKQUOTE', 'PRE', 'HR'])

/** What stands in an edited element, as Markdown. What is not known of elements is passed over, their text is kept. */
export function toMarkdown(root: Node): string {
  return childBlocks(root).join('\n\n').trim()
}

function childBlocks(node: Node): string[] {
  const found: string[] = []
  let line: Node[] = []
  const close = () => {
    // The only ends of lines are breaks.
    const text = line.map(inline).join('').replace(/[ \t]*\n[ \t]*/g, '  \n').trim()
    if (text !== '') found.push(text.split('\n').map(startEscaped).join('\n'))
    line = []
  }
  for (const child of node.childNodes) {
    if (child instanceof HTMLElement && blocks.has(child.tagName)) {
      close()
      found.push(...block(child))
    } else line.push(child)
  }
  close()
  return found
}

function block(node: HTMLElement): string[] {
  const text = () => inlines(node).trim()
  switch (node.tagName) {
    case 'H1':
    case 'H2':
    case 'H3':
    case 'H4':
    case 'H5':
    case 'H6': {
      const level = node.dataset.level ?? String(Math.max(1, Number(node.tagName[1]) - 1))
      return text() === '' ? [] : [`${'#'.repeat(Number(level))} ${text()}`]
    }
    case 'PRE': {
      if (node.dataset.table !== undefined) return [node.textContent]
      const fence = node.textContent.includes('```') ? '~~~' : '```'
      return [`${fence}${node.dataset.language ?? ''}\n${node.textContent}\n${fence}`]
    }
    case 'HR':
      return ['---']
    case 'BLOCKQUOTE':
      return [
        childBlocks(node)
          .join('\n\n')
          .split('\n')
          .map((line) => (line === '' ? '>' : `> ${line}`))
          .join('\n'),
      ]
    case 'UL':
    case 'OL':
      return [
        [...node.children]
          .map((item, index) => {
            const mark = node instanceof HTMLOListElement ? `${node.start + index}. ` : '- '
            return `${mark}${childBlocks(item).join('\n').replaceAll('\n', `\n${' '.repeat(mark.length)}`)}`
          })
          .join('\n'),
      ]
    default:
      return childBlocks(node)
  }
}

function inlines(node: Node): string {
  return [...node.childNodes].map(inline).join('')
}

function marked(mark: string, node: Node): string {
  const text = inlines(node)
  const [, before = '', middle = '', after = ''] = /^(\s*)(.*?)(\s*)$/s.exec(text) ?? []
  return middle === '' ? text : `${before}${mark}${middle}${mark}${after}`
}

function inline(node: Node): string {
  if (node instanceof Text) return escaped(node.data.replaceAll('\u00A0', ' '))
  if (!(node instanceof HTMLElement)) return ''
  switch (node.tagName) {
    case 'B':
    case 'STRONG':
      return marked('**', node)
    case 'I':
    case 'EM':
      return marked('*', node)
    case 'S':
    case 'STRIKE':
    case 'DEL':
      return marked('~~', node)
    case 'CODE':
      return `\`${node.textContent.replaceAll('`', '')}\``
    case 'BR':
      return '  \n'
    case 'A': {
      const href = safeHref(node.getAttribute('href') ?? '')
      return href ? `[${inlines(node)}](${href.replaceAll(')', '%29').replaceAll(' ', '%20')})` : inlines(node)
    }
    default:
      return inlines(node)
  }
}

/** Marks that were typed as text stay text. */
function escaped(text: string): string {
  return text.replace(/\n/g, ' ').replace(/([\\`*_~[\]])/g, '\\$1')
}

/** So does what would begin a heading, a quote, a list, a table or a rule. */
function startEscaped(line: string): string {
  return line.replace(/^(\d{1,9})([.)] )/, '$1\\$2').replace(/^(#{1,6} |>|[-+] |-[ -]*-)/, '\\$1')
}
