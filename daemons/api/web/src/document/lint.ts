/** What is likely a mistake in an app, though it may be saved: names that are unknown, keys that rows do not have, what nobody uses. */
import type { AppDocument } from '../api/types'
import type { Reference } from '../evaluator/binding'
import { listsAround } from '../runtime/nesting'
import { lintTexts } from './lint-texts'
import { moduleOf, ownName } from './module-names'
import { type Owner, type Place, placesOf, readsOf } from './places'

export interface Finding {
  owner: Owner
  /** Where in it. */
  at: string
  message: string
  tone: 'error' | 'warning'
}

/** What is known of values as they are now. */
export interface Known {
  /** The members of a name, where they are known: a row of a query that has run has these keys. */
  members: (path: readonly string[]) => readonly string[] | undefined
  /** Milliseconds that bindings took, by `name.property`, for those that took long. */
  slow: Record<string, number>
}

/** Names that JavaScript has itself. */
const language = new Set(
  'Array BigInt Boolean Date Error Infinity Intl JSON Map Math NaN Number Object Promise RegExp Set String Symbol URL URLSearchParams atob btoa console decodeURIComponent encodeURIComponent globalThis isFinite isNaN parseFloat parseInt structuredClone undefined crypto performance TextEncoder TextDecoder'.split(' '),
)
/** Names that every app has. */
const everywhere = new Set(['args', 'current_user', 'environment', 'event', 'localStorage', 'state', 't', 'url'])
const inScripts = new Set(['navigate', 'notify', 'utils', 'setTimeout', 'clearTimeout'])
const inTransforms = new Set(['data', 'rows'])

const slowMs = 8

export function lint(document: AppDocument, known: Known): Finding[] {
  const findings: Finding[] = []
  const names = namesOf(document)
  const variables = new Set([document.state ?? {}, ...Object.values(document.pages).map((page) => page.state ?? {})].flatMap(Object.keys))
  const used = new Set<string>()
  const usedVariables = new Set<string>()
  for (const place of placesOf(document)) {
    const { reads, error } = readsOf(place)
    const { owner, at } = place
    if (error !== undefined) findings.push({ owner, at, message: error, tone: 'error' })
    for (const read of reads) {
      if (read.name === 'state' && read.property !== undefined) {
        usedVariables.add(read.property)
        if (!variables.has(read.property)) findings.push({ owner, at, message: `There is no state variable ${read.property}.`, tone: 'error' })
        continue
      }
      if (!(owner.kind !== 'component' && owner.kind !== 'page' && read.name === owner.name)) used.add(read.name)
      if (!isKnown(read, place, names) && !isOfItem(read, place, document)) findings.push({ owner, at, message: `${read.name} is not the name of anything in this app.`, tone: 'error' })
      else if (read.property !== undefined) findings.push(...missingMember(read, place, names, known))
    }
    findings.push(...missingKeys(place, known))
  }
  findings.push(...lintTexts(document))
  const unused = (kind: Owner['kind'], all: Record<string, unknown> | undefined, isUsed: Set<string>) => {
    for (const name of Object.keys(all ?? {})) if (!isUsed.has(name)) findings.push({ owner: { kind, name }, at: '', message: `Nothing uses the ${kind === 'state' ? 'state variable' : kind} ${name}.`, tone: 'warning' })
  }
  // What acts by itself is of use though nobody reads it.
  const quiet = (all: AppDocument['queries']) => Object.fromEntries(Object.entries(all ?? {}).filter(([, query]) => !(query.run !== 'manual' && (query['on-success']?.length ?? 0) > 0)))
  unused('query', quiet(document.queries), used)
  unused('script', Object.fromEntries(Object.entries(document.scripts ?? {}).filter(([, script]) => script.run !== 'load' && !script['every-seconds'])), used)
  unused('transformer', document.transformers, used)
  unused('state', document.state, usedVariables)
  for (const [id, ms] of Object.entries(known.slow)) {
    if (ms < slowMs) continue
    const owner = ownerOf(document, id)
    if (owner) findings.push({ owner, at: id.slice(id.indexOf('.') + 1), message: `Took ${Math.round(ms)} ms: whatever is typed waits for it. Let a query or a transformer do the work.`, tone: 'warning' })
  }
  // What is of a module is looked at there.
  return once(findings.filter(({ owner }) => moduleOf(document, owner.name) === undefined))
}

type Names = Map<string, Owner>

function namesOf(document: AppDocument): Names {
  const names: Names = new Map()
  for (const [page, { components = {} }] of Object.entries(document.pages)) for (const name of Object.keys(components)) names.set(name, { kind: 'component', name, page })
  for (const name of Object.keys(document.queries ?? {})) names.set(name, { kind: 'query', name })
  for (const name of Object.keys(document.scripts ?? {})) names.set(name, { kind: 'script', name })
  for (const name of Object.keys(document.transformers ?? {})) names.set(name, { kind: 'transformer', name })
  if (document.module) names.set(ownName, { kind: 'page', name: document['home-page'] })
  return names
}

/** What a binding's id, `name.property`, belongs to. */
export function ownerOf(document: AppDocument, id: string): Owner | undefined {
  const name = id.split(/[.?]/)[0] ?? ''
  return name === 'state' ? { kind: 'state', name: id.slice('state.'.length) } : namesOf(document).get(name)
}

function isKnown({ name }: Reference, { owner, at, as }: Place, names: Names): boolean {
  if (as === 'variable') return true
  if (names.has(name) || everywhere.has(name) || language.has(name)) return true
  return (owner.kind === 'script' && at === 'code' && inScripts.has(name)) || (owner.kind === 'query' && at === 'transformer' && inTransforms.has(name))
}

/** What components in a list see of their item, and of the one around it. */
function isOfItem({ name }: Reference, { owner }: Place, document: AppDocument): boolean {
  const depth = owner.kind === 'component' && owner.page !== undefined ? listsAround(document.pages[owner.page] ?? {}, owner.name).length : 0
  return (depth > 0 && (name === 'item' || name === 'index')) || (depth > 1 && name === 'parent')
}

const ofQueries = ['affected', 'clear', 'columns', 'data', 'error', 'loading', 'meta', 'raw', 'row_count', 'rows', 'run', 'truncated']

function missingMember({ name, property = '' }: Reference, { owner, at }: Place, names: Names, { members }: Known): Finding[] {
  const kind = names.get(name)?.kind
  const has = kind === 'query' || kind === 'script' ? ofQueries : kind === 'transformer' ? ['value'] : undefined
  if (!has || has.includes(property)) return []
  const others = kind === 'query' ? `: it has ${has.filter((one) => members([name])?.includes(one) ?? true).join(', ')}` : ''
  return [{ owner, at, message: `${name}.${property} is nothing that a ${kind} has${others}.`, tone: 'error' }]
}

/** `query1.rows[0].naem` and `table1.selectedRow.naem`, where the keys of rows are known. */
function missingKeys({ owner, at, text, as }: Place, { members }: Known): Finding[] {
  if (as === 'name' || as === 'variable') return []
  return [...text.matchAll(/\b([A-Za-z]\w*)\s*\??\.\s*(rows|data|selectedRow)((?:\[0\])?)\s*\??\.\s*([A-Za-z_]\w*)(?!\w|\s*\()/g)].flatMap(([, name = '', what = '', index, key = '']) => {
    if ((what === 'rows' || what === 'data') !== (index !== '')) return []
    const keys = members([name, what, ...(index ? ['0'] : [])])
    return keys === undefined || keys.length === 0 || keys.includes(key) ? [] : [{ owner, at, message: `${name}.${what}${index} has no ${key}: it has ${keys.slice(0, 12).join(', ')}.`, tone: 'warning' as const }]
  })
}

function once(findings: Finding[]): Finding[] {
  const seen = new Set<string>()
  return findings.filter(({ owner, at, message }) => {
    const key = `${owner.kind} ${owner.name} ${at} ${message}`
    return !seen.has(key) && seen.add(key)
  })
}
