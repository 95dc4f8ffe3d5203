/** Why a value is what it is: what a binding reads, what each of those has now, and what they read in turn. */
import type { AppDocument } from '../api/types'
import type { Reference } from '../evaluator/binding'
import { type Owner, type Place, readsOf } from './places'

/** A value that expressions see, and where it comes from. */
export interface Source {
  /** `search.value`, `query1.rows`, `state.filter`. */
  path: string
  owner: Owner | undefined
  /** What says what it is, where the document does. */
  text?: string
  /** What those read in turn. */
  reads: string[]
}

/** Where the value at a path comes from. */
export function sourceOf(places: Place[], owners: ReadonlyMap<string, Owner>, path: string): Source {
  const [name = '', property = ''] = path.split('.')
  const owner = name === 'state' ? { kind: 'state' as const, name: property } : owners.get(name)
  const said = owner ? placesFor(places, owner, property) : []
  const reads = [...new Set(said.flatMap(readsIn).map((read) => (read.property === undefined ? read.name : `${read.name}.${read.property}`)))]
  return { path, owner, reads, ...(said.length > 0 ? { text: said.map((place) => place.text).join('\n') } : {}) }
}

/** What a text reads. A query's transformer is given `data` and `rows`, which are no parts of the app. */
function readsIn(place: Place): Reference[] {
  const { reads } = readsOf(place)
  return place.at === 'transformer' ? reads.filter(({ name }) => name !== 'data' && name !== 'rows') : reads
}

export function ownersByName(document: AppDocument): Map<string, Owner> {
  const owners = new Map<string, Owner>()
  for (const [page, { components = {} }] of Object.entries(document.pages)) for (const name of Object.keys(components)) owners.set(name, { kind: 'component', name, page })
  for (const [kind, names] of [['query', document.queries], ['script', document.scripts], ['transformer', document.transformers]] as const) {
    for (const name of Object.keys(names ?? {})) owners.set(name, { kind, name })
  }
  return owners
}

/** The texts that make a value: of an input its default, of a query what it asks. */
function placesFor(places: Place[], owner: Owner, property: string): Place[] {
  const own = places.filter((place) => place.owner.kind === owner.kind && place.owner.name === owner.name)
  switch (owner.kind) {
    case 'component':
      return own.filter(({ at }) => at === property || (property === 'value' && at === 'default-value'))
    case 'query':
      return own.filter(({ at }) => /^(statement|change|operation)/.test(at) || (property === 'data' && at === 'transformer'))
    case 'script':
    case 'transformer':
      return own.filter(({ at }) => at === 'code')
    case 'state':
      return own
    case 'page':
    case 'text':
      return []
  }
}
