/** What the screens say about each kind of block, and which ways lead out of it. */
import { CircleStop, Clock, Database, Filter, GitBranch, GitFork, Globe, PenLine, Repeat, Reply, ShieldAlert, Split, SquareCode, UserCheck, Workflow } from 'lucide-react'
import type { Block, WorkflowDocument } from '../api/types'
import { askText } from '../document/query-ask'
import type { IconType } from '../ui/icons'

export type BlockKind = Block['type']
/** A way out; the plain one is none. */
export type Way = string | undefined

interface Kind {
  text: string
  icon: IconType
  /** What a first block of the kind is called. */
  base: string
  make: (resource: string, document: WorkflowDocument) => Block
}

export const kinds: Record<BlockKind, Kind> = {
  query: { text: 'SQL query', icon: Database, base: 'load', make: (resource) => ({ type: 'query', resource, statement: 'select 1 as one', mode: 'read' }) },
  code: { text: 'Code', icon: SquareCode, base: 'transform', make: () => ({ type: 'code', language: 'javascript', source: 'return {}\n' }) },
  branch: { text: 'Branch', icon: GitBranch, base: 'check', make: () => ({ type: 'branch', condition: 'true' }) },
  loop: { text: 'Loop', icon: Repeat, base: 'each', make: () => ({ type: 'loop', over: '[1, 2, 3]' }) },
  switch: { text: 'Switch', icon: Split, base: 'choose', make: () => ({ type: 'switch', cases: [{ port: 'first', when: 'true' }] }) },
  parallel: { text: 'Parallel', icon: GitFork, base: 'together', make: () => ({ type: 'parallel', branches: ['one', 'two'] }) },
  try: { text: 'Try', icon: ShieldAlert, base: 'attempt', make: () => ({ type: 'try' }) },
  filter: { text: 'Filter', icon: Filter, base: 'keep', make: () => ({ type: 'filter', over: '[1, 2, 3]', where: 'item > 1' }) },
  set: {
    text: 'Set variables',
    icon: PenLine,
    base: 'remember',
    make: (_, document) => {
      const [first] = Object.keys(document.variables ?? {})
      return { type: 'set', values: first ? { [first]: `vars.${first}` } : {} }
    },
  },
  http: { text: 'HTTP request', icon: Globe, base: 'fetch', make: () => ({ type: 'http', method: 'GET', url: 'https://example.com/' }) },
  wait: { text: 'Wait', icon: Clock, base: 'pause', make: () => ({ type: 'wait', for: { seconds: '60' } }) },
  approval: { text: 'Approval', icon: UserCheck, base: 'ask', make: () => ({ type: 'approval', title: 'May this go ahead?' }) },
  workflow: { text: 'Run a workflow', icon: Workflow, base: 'child', make: () => ({ type: 'workflow', workflow: '', wait: true }) },
  response: { text: 'Response', icon: Reply, base: 'answer', make: () => ({ type: 'response', status: 200, body: 'trigger.body' }) },
  stop: { text: 'Stop', icon: CircleStop, base: 'end', make: () => ({ type: 'stop', status: 'succeeded' }) },
}

/** Added most often: each has a button of its own. */
export const commonKinds: readonly BlockKind[] = ['query', 'code', 'branch', 'loop']
/** The others, as the menu groups them. */
export const moreKinds: readonly (readonly [title: string, kinds: readonly BlockKind[]])[] = [
  ['Flow', ['switch', 'parallel', 'try', 'filter', 'set']],
  ['People and time', ['wait', 'approval', 'workflow']],
  ['Other systems', ['http']],
  ['Ends', ['response', 'stop']],
]

/** One line that says what the block does. */
export function summaryOf(block: Block): string {
  switch (block.type) {
    case 'query':
      return askText(block)
    case 'code':
      return block.language === 'python' ? 'Python' : 'JavaScript'
    case 'branch':
      return block.condition
    case 'loop':
      return `Over ${block.over}`
    case 'switch':
      return block.cases.map((one) => one.port).join(', ') || 'No case yet'
    case 'parallel':
      return `${block.branches.length} branches at the same time`
    case 'try':
      return block.on?.length ? `Catches ${block.on.join(', ')}` : 'Catches every failure'
    case 'filter':
      return `Keeps ${block.where}`
    case 'set':
      return Object.keys(block.values).join(', ') || 'No variable yet'
    case 'http':
      return `${block.method ?? 'GET'} ${block.url}`
    case 'wait':
      if ('event' in block.for) return `For ${block.for.event.name}${block.for.event.key ? ` of ${block.for.event.key}` : ''}`
      return 'seconds' in block.for ? `For ${block.for.seconds} s` : `Until ${block.for.until}`
    case 'approval':
      return block.title
    case 'workflow':
      return block.workflow ? `${block.wait === false ? 'Starts' : 'Runs'} ${block.workflow}` : 'No workflow yet'
    case 'response':
      return `Answers ${block.status ?? 200}`
    case 'stop':
      return block.status === 'failed' ? 'Ends the run as failed' : 'Ends the run'
  }
}

/** The ways by which the walk goes on. The model says the same in `block.rs`. */
export function waysOf(block: Block): Way[] {
  switch (block.type) {
    case 'branch':
      return ['true', 'false', 'error']
    case 'approval':
      return ['approved', 'rejected', 'error']
    case 'switch':
      return [...block.cases.map((one) => one.port), 'else', 'error']
    case 'stop':
      return []
    default:
      return [undefined, 'error']
  }
}

/** The ports whose walk, a body, comes back to the block. */
export function scopesOf(block: Block): string[] {
  switch (block.type) {
    case 'loop':
      return ['each']
    case 'parallel':
      return block.branches
    case 'try':
      return ['try', 'catch']
    default:
      return []
  }
}

/** A name that no block has. */
export function freeName(document: WorkflowDocument, kind: BlockKind): string {
  const { base } = kinds[kind]
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? base : `${base}${number}`
    if (!(name in document.blocks) && !(name in (document.queries ?? {}))) return name
  }
}

/**
 * Every block whose result `block` may see: those before it in its walk, and in the walks around it. Results of a body stay in
 * it, except that what is caught sees what was tried, and what a failing run goes to sees the run.
 */
export function upstreamOf(document: WorkflowDocument, block: string): Set<string> {
  const found = new Set<string>()
  const visited = new Set<string>()
  const pending = [block]
  const walkBack = () => {
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      if (visited.has(at)) continue
      visited.add(at)
      if (at === document['on-error']) for (const member of walkFrom(document, document.start)) found.add(member)
      for (const { from, port, to } of document.edges ?? []) {
        const before = document.blocks[from]
        if (to !== at || !before) continue
        const isBody = port != null && scopesOf(before).includes(port)
        if (!isBody) found.add(from)
        if (isBody && port === 'catch') for (const member of walkFrom(document, nextOf(document, from, 'try'))) found.add(member)
        pending.push(from)
      }
    }
  }
  walkBack()
  found.delete(block)
  return found
}

/** In how many loops a block is. */
export function loopDepth(document: WorkflowDocument, block: string): number {
  const loops = new Set<string>()
  const visited = new Set<string>()
  const pending = [block]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (visited.has(at)) continue
    visited.add(at)
    for (const { from, port, to } of document.edges ?? []) {
      if (to !== at) continue
      if (document.blocks[from]?.type === 'loop' && port === 'each') loops.add(from)
      pending.push(from)
    }
  }
  return loops.size
}

/** The outermost block that has `block` in a body of it; none for one that no body has. */
export function outermostOwner(document: WorkflowDocument, block: string): string | undefined {
  let owner: string | undefined
  const visited = new Set<string>()
  const pending = [block]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (visited.has(at)) continue
    visited.add(at)
    for (const { from, port, to } of document.edges ?? []) {
      const before = document.blocks[from]
      if (to !== at || !before) continue
      // The walk back comes to the outermost last.
      if (port != null && scopesOf(before).includes(port)) owner = from
      pending.push(from)
    }
  }
  return owner
}

export function nextOf(document: WorkflowDocument, from: string, port: Way): string | undefined {
  return document.edges?.find((edge) => edge.from === from && (edge.port ?? undefined) === port)?.to
}

/** The blocks of one walk, without the bodies in it. */
function walkFrom(document: WorkflowDocument, first: string | undefined): Set<string> {
  const members = new Set<string>()
  const pending = first === undefined ? [] : [first]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const block = document.blocks[at]
    if (!block || members.has(at)) continue
    members.add(at)
    for (const way of waysOf(block)) {
      const next = nextOf(document, at, way)
      if (next !== undefined) pending.push(next)
    }
  }
  return members
}
