/** A workflow's blocks with their references to a renamed block rewritten. */
import type { Block, WorkflowDocument } from '../api/types'
import { renameInExpression, renameInPython, renameInScript, renameInTemplate } from '../document/rename'

export function rewriteReferences(document: WorkflowDocument, from: string, to: string): Record<string, Block> {
  return Object.fromEntries(Object.entries(document.blocks).map(([name, block]) => [name, rewritten(block, from, to)]))
}

function rewritten(block: Block, from: string, to: string): Block {
  switch (block.type) {
    case 'query':
      return { ...block, statement: renameInTemplate(block.statement, from, to) }
    case 'code':
      return { ...block, source: block.language === 'python' ? renameInPython(block.source, from, to) : renameInScript(block.source, from, to) }
    case 'branch':
      return { ...block, condition: renameInExpression(block.condition, from, to) }
    case 'response':
      return { ...block, body: renameInExpression(block.body, from, to) }
  }
}
