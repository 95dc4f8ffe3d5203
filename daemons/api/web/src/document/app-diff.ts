/** What changed between two versions of an app, by component and query. */
import type { AppDocument, Page } from '../api/types'
import { canonical } from './canonical'

export type Change = 'added' | 'removed' | 'changed' | 'moved'

export interface PageDiff {
  name: string
  title: string
  before: Page | undefined
  after: Page | undefined
  /** By name of the component; what is the same is not here. */
  components: Record<string, Change>
}

export interface AppDiff {
  pages: PageDiff[]
  /** Scripts and transformers, too. */
  queries: Record<string, Change>
  /** Members of the app itself that differ, such as its title. */
  rest: string[]
}

export function appDiff(given: AppDocument, then: AppDocument): AppDiff {
  const [before, after] = [canonical(given), canonical(then)]
  const pages = namesOf(before.pages, after.pages).map((name): PageDiff => {
    const [old, now] = [before.pages[name], after.pages[name]]
    const components: Record<string, Change> = {}
    for (const component of namesOf(old?.components, now?.components)) {
      const what = changeOf(old?.components?.[component], now?.components?.[component])
      const place = (page: Page | undefined) => [page?.layout?.[component], page?.['phone-layout']?.[component]]
      if (what) components[component] = what
      else if (!isSame(place(old), place(now))) components[component] = 'moved'
    }
    return { name, title: now?.title ?? old?.title ?? name, before: old, after: now, components }
  })
  const queries: Record<string, Change> = {}
  const [ran, runs] = [queriesOf(before), queriesOf(after)]
  for (const name of namesOf(ran, runs)) {
    const what = changeOf(ran[name], runs[name])
    if (what) queries[name] = what
  }
  const others = (document: AppDocument): Record<string, unknown> => ({ ...document, pages: undefined, queries: undefined, scripts: undefined, transformers: undefined })
  const rest = namesOf(others(before), others(after)).filter((key) => !isSame(others(before)[key], others(after)[key]))
  return { pages, queries, rest }
}

export function isUnchanged({ pages, queries, rest }: AppDiff): boolean {
  return rest.length === 0 && Object.keys(queries).length === 0 && pages.every(({ before, after, components }) => before && after && before.title === after.title && Object.keys(components).length === 0)
}

/** Queries, scripts and transformers share one space of names. */
function queriesOf(document: AppDocument): Record<string, unknown> {
  return { ...document.queries, ...document.scripts, ...document.transformers }
}

function namesOf(a: object | null | undefined, b: object | null | undefined): string[] {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].sort()
}

function changeOf(before: unknown, after: unknown): Change | undefined {
  if (before === undefined) return after === undefined ? undefined : 'added'
  if (after === undefined) return 'removed'
  return isSame(before, after) ? undefined : 'changed'
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
