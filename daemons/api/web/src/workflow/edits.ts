/** Changes of a workflow's document. Each takes an immer draft. */
import type { Draft } from 'immer'
import type { Block, WorkflowDocument } from '../api/types'

type Document = Draft<WorkflowDocument>
type Port = 'true' | 'false'

/** Adds a block after `after`, at its first free way out. */
export function addBlock(document: Document, name: string, block: Block, after: string | undefined): void {
  document.blocks[name] = block
  const from = after ?? lastOf(document, name)
  if (from === undefined || from === name) return
  const isBranch = document.blocks[from]?.type === 'branch'
  const ports: (Port | undefined)[] = isBranch ? ['true', 'false'] : [undefined]
  const free = ports.find((port) => !(document.edges ?? []).some((edge) => edge.from === from && (edge.port ?? undefined) === port))
  if (isBranch && free === undefined) return
  // Between a block and the one that followed it.
  const followed = isBranch ? undefined : (document.edges ?? []).find((edge) => edge.from === from)
  if (followed && block.type !== 'branch') {
    const next = followed.to
    followed.to = name
    connect(document, name, next, undefined)
  } else if (!followed) {
    connect(document, from, name, free)
  } else {
    const next = followed.to
    followed.to = name
    connect(document, name, next, 'true')
  }
}

/** A block that leads nowhere, reached first from the start. */
function lastOf(document: Document, except: string): string | undefined {
  let at: string = document.start
  const seen = new Set<string>()
  for (;;) {
    if (seen.has(at)) return undefined
    seen.add(at)
    const next = (document.edges ?? []).find((edge) => edge.from === at && edge.to !== except)
    if (!next) return at
    at = next.to
  }
}

/** Of each way out there is one edge: a new one replaces the old. */
export function connect(document: Document, from: string, to: string, port: Port | undefined): void {
  if (from === to) return
  const edges = (document.edges ?? []).filter((edge) => !(edge.from === from && (edge.port ?? undefined) === port))
  document.edges = [...edges, { from, to, ...(port ? { port } : {}) }]
}

/** Removes a block; what led to it leads on to what followed it, where that is one block. */
export function removeBlock(document: Document, name: string): void {
  if (Object.keys(document.blocks).length === 1) return
  const edges = document.edges ?? []
  const next = edges.find((edge) => edge.from === name)?.to
  delete document.blocks[name]
  document.edges = edges.flatMap((edge) => {
    if (edge.from === name) return []
    if (edge.to !== name) return [edge]
    return next && next !== edge.from ? [{ ...edge, to: next }] : []
  })
  if (document.start === name) document.start = next ?? Object.keys(document.blocks)[0] ?? ''
}

export function removeEdge(document: Document, from: string, port: Port | undefined): void {
  document.edges = (document.edges ?? []).filter((edge) => !(edge.from === from && (edge.port ?? undefined) === port))
}

/** Renames a block and everything that leads from or to it. Texts are rewritten by the caller, who parsed them. */
export function renameBlock(document: Document, name: string, newName: string, rewritten: Record<string, Block>): void {
  document.blocks = Object.fromEntries(Object.entries(document.blocks).map(([key, block]) => [key === name ? newName : key, rewritten[key] ?? block]))
  for (const edge of document.edges ?? []) {
    if (edge.from === name) edge.from = newName
    if (edge.to === name) edge.to = newName
  }
  if (document.start === name) document.start = newName
}
