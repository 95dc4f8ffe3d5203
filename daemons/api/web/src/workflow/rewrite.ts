/** A workflow's blocks with their references to a renamed block rewritten. */
import type { Block, WorkflowDocument } from '../api/types'
import { renameInExpression, renameInPython, renameInScript, renameInTemplate, renameMember } from '../document/rename'
import { rewrittenAsk } from '../document/query-ask'

export function rewriteReferences(document: WorkflowDocument, from: string, to: string): Record<string, Block> {
  return Object.fromEntries(Object.entries(document.blocks).map(([name, block]) => [name, rewritten(block, from, to)]))
}

/** Code with its calls of a renamed function rewritten. */
export function rewriteCalls(document: WorkflowDocument, from: string, to: string): Pick<WorkflowDocument, 'blocks' | 'functions'> {
  const inCode = <Code extends { type: string }>(code: Code): Code => ('source' in code && typeof code.source === 'string' ? { ...code, source: renameMember(code.source, 'functions', from, to) } : code)
  const each = <Code extends { type: string }>(all: Record<string, Code>) => Object.fromEntries(Object.entries(all).map(([name, one]) => [name, inCode(one)]))
  return { blocks: each(document.blocks), functions: each(document.functions ?? {}) }
}

function rewritten(block: Block, from: string, to: string): Block {
  const expression = (source: string) => renameInExpression(source, from, to)
  const template = (text: string) => renameInTemplate(text, from, to)
  const each = (values: Record<string, string>, rename: (text: string) => string) => Object.fromEntries(Object.entries(values).map(([key, text]) => [key, rename(text)]))
  // Fields that are absent stay absent, so that a rename changes nothing else.
  const headers = (given: Record<string, string> | undefined) => (given ? { headers: each(given, template) } : {})
  switch (block.type) {
    case 'query':
      return rewrittenAsk(block, template, expression)
    case 'code':
      return { ...block, source: block.language === 'python' ? renameInPython(block.source, from, to) : renameInScript(block.source, from, to) }
    case 'http':
      return { ...block, url: template(block.url), ...headers(block.headers), ...(block.body ? { body: expression(block.body) } : {}) }
    case 'branch':
      return { ...block, condition: expression(block.condition) }
    case 'switch':
      return { ...block, cases: block.cases.map((one) => ({ ...one, when: expression(one.when) })) }
    case 'loop':
      return { ...block, over: expression(block.over), ...(block.until ? { until: expression(block.until) } : {}) }
    case 'filter':
      return { ...block, over: expression(block.over), where: expression(block.where) }
    case 'set':
      return { ...block, values: each(block.values, expression) }
    case 'wait':
      if ('event' in block.for) return { ...block, for: { event: { ...block.for.event, ...(block.for.event.key ? { key: expression(block.for.event.key) } : {}) } } }
      return { ...block, for: 'seconds' in block.for ? { seconds: expression(block.for.seconds) } : { until: expression(block.for.until) } }
    case 'approval':
      return { ...block, title: template(block.title), ...(block.description ? { description: template(block.description) } : {}) }
    case 'workflow':
      return { ...block, ...(block.input ? { input: expression(block.input) } : {}) }
    case 'response':
      return { ...block, ...headers(block.headers), body: expression(block.body) }
    case 'stop':
      return { ...block, ...(block.message ? { message: template(block.message) } : {}) }
    case 'parallel':
    case 'try':
      return block
  }
}
