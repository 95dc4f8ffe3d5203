/** Addresses of pages: `/apps/<app>/<route>?parameters#hash`, and what expressions see of them as `url`. */
import type { Page } from '../api/types'

export type Parameters = Record<string, string>

export interface Address {
  page: string
  parameters: Parameters
  hash: string
}

type Pages = Record<string, Pick<Page, 'route'>>

/** Parameters of one address; more are left out. */
const mostParameters = 50
const longestValue = 2000

/** What follows the app's own address for a page. The home page has no path of its own, unless it has a route. */
export function addressText(pages: Pages, home: string, { page, parameters, hash }: Address): string {
  const route = pages[page]?.route ?? (page === home ? '' : page)
  const left = new Map(Object.entries(parameters))
  const path = route
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => {
      const name = parameterOf(segment)
      if (name === undefined) return `/${segment}`
      const value = left.get(name) ?? ''
      left.delete(name)
      // A segment must not vanish, nor be taken for a step upwards.
      return `/${encodeURIComponent(value === '' || value === '.' || value === '..' ? '-' : value)}`
    })
  const query = new URLSearchParams([...left]).toString()
  return `${path.join('')}${query === '' ? '' : `?${query}`}${hash === '' ? '' : `#${encodeURIComponent(hash)}`}`
}

/** The page at an address below the app's; nothing when there is none. */
export function readAddress(pages: Pages, home: string, address: { path: string; search: string; hash: string }): Address | undefined {
  const given = address.path.split('/').filter((segment) => segment !== '')
  const found = given.length === 0 ? { page: home, parameters: {} } : pageAt(pages, given)
  if (!found || !pages[found.page]) return undefined
  const searched = [...new URLSearchParams(address.search)].slice(0, mostParameters).map(([name, value]) => [name, value.slice(0, longestValue)] as const)
  return { page: found.page, parameters: { ...Object.fromEntries(searched), ...found.parameters }, hash: decoded(address.hash.replace(/^#/, '')) }
}

function pageAt(pages: Pages, given: string[]): { page: string; parameters: Parameters } | undefined {
  // A route without parameters comes before one with them.
  const byPlainness = Object.entries(pages).sort(([, a], [, b]) => (a.route?.split('{').length ?? 1) - (b.route?.split('{').length ?? 1))
  for (const [page, { route }] of byPlainness) {
    const segments = (route ?? page).split('/')
    if (segments.length !== given.length) continue
    const parameters: Parameters = {}
    const fits = segments.every((segment, index) => {
      const name = parameterOf(segment)
      if (name === undefined) return segment === given[index]
      parameters[name] = decoded(given[index] ?? '')
      return true
    })
    if (fits) return { page, parameters }
  }
  return undefined
}

/** Parameters of a page as texts; those without a value are left out. */
export function parameterTexts(values: Record<string, unknown>): Parameters {
  const texts = Object.entries(values).flatMap(([name, value]): [string, string][] => {
    if (value === null || value === undefined || value === '') return []
    return [[name, (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, longestValue)]]
  })
  return Object.fromEntries(texts.slice(0, mostParameters))
}

function parameterOf(segment: string): string | undefined {
  return /^\{(\w+)\}$/.exec(segment)?.[1]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
