/** Changes of a workflow's document. Each takes an immer draft. */
import type { Draft } from 'immer'
import type { Block, Trigger, WorkflowDocument, WorkflowFunction } from '../api/types'
import { type Way, nextOf, scopesOf, waysOf } from './blocks'

type Document = Draft<WorkflowDocument>

/** Adds a block after `after`: into its first empty body, or else at its first free way out. */
export function addBlock(document: Document, name: string, block: Block, after: string | undefined): void {
  document.blocks[name] = block
  const from = after ?? lastOf(document, name)
  const before = from === undefined ? undefined : document.blocks[from]
  if (from === undefined || !before || from === name) return
  const isFree = (port: Way) => nextOf(document, from, port) === undefined
  // What fails is led somewhere by hand, never by the way. A `catch` may stay empty, so what follows a try comes first.
  const ways = waysOf(before).filter((way) => way !== 'error')
  const body = scopesOf(before).find((port) => port !== 'catch' && isFree(port))
  if (body !== undefined) return connect(document, from, name, body)
  const free = ways.findIndex(isFree)
  if (free >= 0) return connect(document, from, name, ways[free])
  // Between a block and the one that followed it, where there is one way alone.
  if (ways.length !== 1) return
  const next = nextOf(document, from, ways[0])
  connect(document, from, name, ways[0])
  const [way] = waysOf(block)
  if (next !== undefined && waysOf(block).length > 0) connect(document, name, next, way)
}

/** Fields whose empty value means the same as none. */
const optionalFields = new Set(['statements', 'headers', 'description', 'people', 'groups', 'form', 'on', 'input', 'message', 'statement'])

/** Changes fields of a block. What says nothing leaves no trace in the document. */
export function setFields(document: Document, name: string, next: Partial<Block>): void {
  const all = Object.entries({ ...document.blocks[name], ...next })
  const isSaid = ([field, value]: [string, unknown]) => value !== undefined && value !== null && !(optionalFields.has(field) && isEmpty(value))
  document.blocks[name] = Object.fromEntries(all.filter(isSaid)) as Block
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}

/** A block that leads nowhere, reached first from the start. */
function lastOf(document: Document, except: string): string | undefined {
  let at: string = document.start
  const seen = new Set<string>()
  for (;;) {
    if (seen.has(at)) return undefined
    seen.add(at)
    const block = document.blocks[at]
    const ways = block ? waysOf(block) : []
    const next = ways.map((way) => nextOf(document, at, way)).find((to) => to !== undefined && to !== except)
    if (next === undefined) return at
    at = next
  }
}

/** Of each way out there is one edge: a new one replaces the old. */
export function connect(document: Document, from: string, to: string, port: Way): void {
  if (from === to) return
  removeEdge(document, from, port)
  document.edges = [...(document.edges ?? []), { from, to, ...(port ? { port } : {}) }]
}

/** Removes a block; what led to it leads on to what followed it. Its bodies stay, unconnected. */
export function removeBlock(document: Document, name: string): void {
  const block = document.blocks[name]
  if (!block || Object.keys(document.blocks).length === 1) return
  const next = waysOf(block)
    .filter((way) => way !== 'error')
    .map((way) => nextOf(document, name, way))
    .find((to) => to !== undefined)
  delete document.blocks[name]
  document.edges = (document.edges ?? []).flatMap((edge) => {
    if (edge.from === name) return []
    if (edge.to !== name) return [edge]
    return next && next !== edge.from ? [{ ...edge, to: next }] : []
  })
  if (document.start === name) document.start = next ?? Object.keys(document.blocks)[0] ?? ''
  if (document['on-error'] === name) setOnError(document, next)
}

export function removeEdge(document: Document, from: string, port: Way): void {
  document.edges = (document.edges ?? []).filter((edge) => !(edge.from === from && (edge.port ?? undefined) === port))
}

/** Gives a case of a switch or a branch of a parallel block another name; its edge goes with it. */
export function renamePort(document: Document, name: string, index: number, port: string): void {
  const block = document.blocks[name]
  const ports = block ? portsOf(block) : []
  const old = ports[index]
  if (!block || old === undefined) return
  // While two have the same name, an edge belongs to the first of them.
  const isOwn = ports.indexOf(old) === index
  const isTaken = ports.includes(port) || nextOf(document, name, port) !== undefined
  if (block.type === 'switch') (block.cases[index] ?? { port }).port = port
  if (block.type === 'parallel') block.branches[index] = port
  if (!isOwn || isTaken) return
  for (const edge of document.edges ?? []) if (edge.from === name && edge.port === old) edge.port = port
}

/** Takes a case or a branch away, and its edge. */
export function removePort(document: Document, name: string, index: number): void {
  const block = document.blocks[name]
  const old = block ? portsOf(block)[index] : undefined
  if (!block || old === undefined) return
  if (block.type === 'switch') block.cases.splice(index, 1)
  if (block.type === 'parallel') block.branches.splice(index, 1)
  if (!portsOf(block).includes(old)) removeEdge(document, name, old)
}

/** The ports that a block names itself. */
export function portsOf(block: Block): string[] {
  if (block.type === 'switch') return block.cases.map((one) => one.port)
  return block.type === 'parallel' ? block.branches : []
}

/** The block that a failing run goes to. */
export function setOnError(document: Document, name: string | undefined): void {
  if (name === undefined || name === '') delete document['on-error']
  else document['on-error'] = name
}

/** Renames a block and everything that leads from or to it. Texts are rewritten by the caller, who parsed them. */
export function renameBlock(document: Document, name: string, newName: string, rewritten: Record<string, Block>): void {
  document.blocks = Object.fromEntries(Object.entries(document.blocks).map(([key, block]) => [key === name ? newName : key, rewritten[key] ?? block]))
  for (const edge of document.edges ?? []) {
    if (edge.from === name) edge.from = newName
    if (edge.to === name) edge.to = newName
  }
  if (document.start === name) document.start = newName
  if (document['on-error'] === name) document['on-error'] = newName
}

/** Adds a trigger under a name that none has; gives the name. */
export function addTrigger(document: Document, trigger: Trigger): string {
  const taken = document.triggers ?? {}
  let name: string = trigger.type
  for (let number = 2; name in taken; number += 1) name = `${trigger.type}${number}`
  document.triggers = { ...taken, [name]: trigger }
  return name
}

/** Gives a trigger another name, in its place. */
export function renameTrigger(document: Document, name: string, newName: string): void {
  document.triggers = Object.fromEntries(Object.entries(document.triggers ?? {}).map(([key, trigger]) => [key === name ? newName : key, trigger]))
}

export function removeTrigger(document: Document, name: string): void {
  delete document.triggers?.[name]
  if (Object.keys(document.triggers ?? {}).length === 0) delete document.triggers
}

/** Changes fields of a trigger. What says nothing leaves no trace. */
export function setTrigger(document: Document, name: string, next: Partial<Trigger>): void {
  const all = Object.entries({ ...document.triggers?.[name], ...next }).filter(([, value]) => value !== undefined && value !== null)
  document.triggers = { ...document.triggers, [name]: Object.fromEntries(all) as Trigger }
}

/** Adds a function under a name that none and no query has; gives the name. */
export function addFunction(document: Document, added: WorkflowFunction): string {
  const taken = { ...document.queries, ...document.functions }
  const base = added.type === 'query' ? 'lookup' : 'compute'
  let name = base
  for (let number = 2; name in taken; number += 1) name = `${base}${number}`
  document.functions = { ...document.functions, [name]: added }
  return name
}

/** Gives a function another name, in its place. Code that calls it is rewritten by the caller, who parsed it. */
export function renameFunction(document: Document, name: string, newName: string, rewritten: Pick<WorkflowDocument, 'blocks' | 'functions'>): void {
  document.blocks = rewritten.blocks
  document.functions = Object.fromEntries(Object.entries(rewritten.functions ?? {}).map(([key, one]) => [key === name ? newName : key, one]))
}

export function removeFunction(document: Document, name: string): void {
  delete document.functions?.[name]
  if (Object.keys(document.functions ?? {}).length === 0) delete document.functions
}

/** Changes fields of a function. What says nothing leaves no trace. */
export function setFunction(document: Document, name: string, next: object): void {
  const isSaid = ([field, value]: [string, unknown]) => value !== undefined && value !== null && !(['parameters', 'statement'].includes(field) && isEmpty(value))
  const all = Object.entries({ ...document.functions?.[name], ...next }).filter(isSaid)
  document.functions = { ...document.functions, [name]: Object.fromEntries(all) as WorkflowFunction }
}
