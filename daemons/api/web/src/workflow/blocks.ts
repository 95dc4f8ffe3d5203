/** What the screens say about each kind of block. */
import { Database, GitBranch, Reply, SquareCode } from 'lucide-react'
import type { Block, WorkflowDocument } from '../api/types'
import type { IconType } from '../ui/icons'

export type BlockKind = Block['type']

export const kinds: Record<BlockKind, { text: string; icon: IconType; make: (resource: string) => Block }> = {
  query: { text: 'SQL query', icon: Database, make: (resource) => ({ type: 'query', resource, statement: 'select 1 as one', mode: 'read' }) },
  code: { text: 'Code', icon: SquareCode, make: () => ({ type: 'code', language: 'javascript', source: 'return {}\n' }) },
  branch: { text: 'Branch', icon: GitBranch, make: () => ({ type: 'branch', condition: 'true' }) },
  response: { text: 'Response', icon: Reply, make: () => ({ type: 'response', status: 200, body: 'trigger.body' }) },
}

/** One line that says what the block does. */
export function summaryOf(block: Block): string {
  switch (block.type) {
    case 'query':
      return `SQL on ${block.resource || 'no resource'}`
    case 'code':
      return block.language === 'python' ? 'Python' : 'JavaScript'
    case 'branch':
      return block.condition
    case 'response':
      return `Answers ${block.status ?? 200}`
  }
}

/** A name that no block has. */
export function freeName(document: WorkflowDocument, kind: BlockKind): string {
  const base = { query: 'load', code: 'transform', branch: 'check', response: 'answer' }[kind]
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}${number}`
    if (!(name in document.blocks) && !(name in (document.queries ?? {}))) return name
  }
}

/** Every block that can run before `block`. */
export function upstreamOf(document: WorkflowDocument, block: string): Set<string> {
  const found = new Set<string>()
  const pending = [block]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const edge of document.edges ?? []) {
      if (edge.to === at && !found.has(edge.from)) {
        found.add(edge.from)
        pending.push(edge.from)
      }
    }
  }
  return found
}
