/**
 * Deleting from one block into another. Browsers put what comes along into elements with styles of their own, to keep how it looked;
 * the page's policy refuses such styles, and text that is Markdown has none. So it is done here, and what comes along looks as what it joins.
 */

const blockNames = 'p, div, h1, h2, h3, h4, li, pre, blockquote'

function blockAround(node: Node, root: HTMLElement): HTMLElement {
  const element = node instanceof HTMLElement ? node : node.parentElement
  const block = element?.closest<HTMLElement>(blockNames)
  return block && root.contains(block) ? block : root
}

/** The range that an edit takes away, when it goes over the edge of a block. */
export function rangeOverBlocks(event: InputEvent, root: HTMLElement): Range | undefined {
  const [target] = event.getTargetRanges()
  if (!target) return undefined
  const range = document.createRange()
  range.setStart(target.startContainer, target.startOffset)
  range.setEnd(target.endContainer, target.endOffset)
  return range.collapsed || blockAround(range.startContainer, root) === blockAround(range.endContainer, root) ? undefined : range
}

/** Takes it away, and joins what is left of the last block to the first. The caret stands between the two. */
export function merge(range: Range, root: HTMLElement): void {
  const first = blockAround(range.startContainer, root)
  const last = blockAround(range.endContainer, root)
  range.deleteContents()
  const caret = document.createRange()
  caret.selectNodeContents(first)
  caret.collapse(false)
  const at = document.createTextNode('')
  caret.insertNode(at)
  if (last !== root && last !== first && !last.contains(first)) {
    // What stands in a block of its own in the last one, such as a list in an item, stays behind the first.
    const inner = [...last.childNodes].filter((node) => !(node instanceof HTMLElement && node.matches('ul, ol, p, pre, blockquote')))
    first.append(...inner)
    removeEmpty(last, root)
  }
  if (first.textContent === '' && !first.querySelector('br')) first.append(document.createElement('br'))
  const selection = document.getSelection()
  selection?.removeAllRanges()
  caret.setStartBefore(at)
  caret.collapse(true)
  selection?.addRange(caret)
}

/** Away with a block that holds nothing any more, and with what held it alone. */
function removeEmpty(block: HTMLElement, root: HTMLElement): void {
  let at: HTMLElement | null = block
  while (at && at !== root && at.textContent === '' && !at.querySelector('hr, img')) {
    const parent: HTMLElement | null = at.parentElement
    at.remove()
    at = parent
  }
}
