/** Looking for a text, or for what refers to a name, in all of an app. */
import type { AppDocument } from '../api/types'
import { type Owner, type Place, placesOf, readsOf } from './places'

export interface Found {
  owner: Owner
  at: string
  /** The line in which it stands, cut around it. */
  line: string
}

const mostFound = 500
const around = 60

/** Places whose text holds what is wanted, and parts of the app with such a name. */
export function find(document: AppDocument, wanted: string): Found[] {
  const needle = wanted.trim().toLowerCase()
  if (needle === '') return []
  const named = ownersOf(document).flatMap((owner): Found[] => (owner.name.toLowerCase().includes(needle) ? [{ owner, at: '', line: owner.name }] : []))
  const inTexts = placesOf(document).flatMap((place) => {
    const at = place.text.toLowerCase().indexOf(needle)
    return at < 0 ? [] : [foundAt(place, at, needle.length)]
  })
  return [...named, ...inTexts].slice(0, mostFound)
}

/** Places that read or name something. `state.x` is a state variable. */
export function findReferences(document: AppDocument, name: string): Found[] {
  const [first = '', property] = name.split('.')
  const isState = first === 'state' && property !== undefined
  const found = placesOf(document).flatMap((place) => {
    const { reads } = readsOf(place)
    const refers = reads.some((read) => read.name === first && (!isState || read.property === undefined || read.property === property))
    if (!refers) return []
    const at = isState ? place.text.indexOf(property) : place.text.indexOf(first)
    return [foundAt(place, Math.max(0, at), (isState ? property : first).length)]
  })
  return found.slice(0, mostFound)
}

export function ownersOf(document: AppDocument): Owner[] {
  const { pages, queries = {}, scripts = {}, transformers = {}, state = {} } = document
  return [
    ...Object.entries(pages).flatMap(([page, { components = {}, state: own = {} }]): Owner[] => [
      { kind: 'page', name: page },
      ...Object.keys(components).map((name): Owner => ({ kind: 'component', name, page })),
      ...Object.keys(own).map((name): Owner => ({ kind: 'state', name, page })),
    ]),
    ...Object.keys(queries).map((name): Owner => ({ kind: 'query', name })),
    ...Object.keys(scripts).map((name): Owner => ({ kind: 'script', name })),
    ...Object.keys(transformers).map((name): Owner => ({ kind: 'transformer', name })),
    ...Object.keys(state).map((name): Owner => ({ kind: 'state', name })),
  ]
}

function foundAt({ owner, at, text }: Place, index: number, length: number): Found {
  const from = Math.max(text.lastIndexOf('\n', index) + 1, index - around)
  const ends = text.indexOf('\n', index + length)
  const to = Math.min(ends < 0 ? text.length : ends, index + length + around)
  return { owner, at, line: `${from > 0 && text[from - 1] !== '\n' ? '…' : ''}${text.slice(from, to).trim()}${to < text.length && text[to] !== '\n' ? '…' : ''}` }
}
