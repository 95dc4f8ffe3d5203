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
    case 'heading':
      return element(block.level <= 1 ? 'h2' : block.level === 2 ? 'h3' : 'h4', block.children.map(inlineNode))
    case 'paragraph':
      return element('p', block.children.map(inlineNode))
    case 'code':
      return element('pre', [document.createTextNode(block.text)])
    case 'quote':
      return element('blockquote', block.blocks.map(blockNode))
    case 'rule':
      return element('hr', [])
    case 'list':
      return element(
        block.isOrdered ? 'ol' : 'ul',
        block.items.map((item) => element('li', item.flatMap((part) => (part.kind === 'paragraph' ? part.children.map(inlineNode) : [blockNode(part)])))),
      )
    case 'table':
      // Tables are kept as the text that they are.
      return element('pre', [document.createTextNode([block.head, ...block.rows].map((row) => `| ${row.map((cell) => cell.map(plain).join('')).join(' | ')} |`).join('\n'))])
  }
}

function plain(part: Inline): string {
  return 'children' in part ? part.children.map(plain).join('') : part.kind === 'break' ? ' ' : part.text
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

const blocks = new Set(['P', 'DIV', 'H1', 'H2', 'H3', 'H4', 'UL', 'OL', 'LI', 'BLOCKQUOTE', 'PRE', 'HR'])

/** What stands in an edited element, as Markdown. What is not known of elements is passed over, their text is kept. */
export function toMarkdown(root: Node): string {
  return childBlocks(root).join('\n\n').trim()
}

function childBlocks(node: Node): string[] {
  const found: string[] = []
  let line: Node[] = []
  const close = () => {
    const text = line.map(inline).join('').replace(/[ \t]+\n/g, '\n').trim()
    if (text !== '') found.push(text)
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
      return text() === '' ? [] : [`# ${text()}`]
    case 'H3':
      return text() === '' ? [] : [`## ${text()}`]
    case 'H4':
      return text() === '' ? [] : [`### ${text()}`]
    case 'PRE':
      return [/^\s*\|.*\|\s*$/m.test(node.textContent) ? node.textContent : `\`\`\`\n${node.textContent}\n\`\`\``]
    case 'HR':
      return ['---']
    case 'BLOCKQUOTE':
      return [
        childBlocks(node)
          .join('\n\n')
          .split('\n')
          .map((line) => `> ${line}`.trimEnd())
          .join('\n'),
      ]
    case 'UL':
    case 'OL':
      return [
        [...node.children]
          .map((item, index) => {
            const mark = node.tagName === 'OL' ? `${index + 1}. ` : '- '
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
  return text.replace(/\n/g, ' ').replace(/([\\`*~[\]])/g, '\\$1')
}
