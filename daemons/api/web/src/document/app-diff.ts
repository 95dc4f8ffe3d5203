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
  /** Members of the page itself that differ, such as its title and what happens when it opens. */
  rest: string[]
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
    const own = (page: Page | undefined) => ({ ...page, components: undefined, layout: undefined, 'phone-layout': undefined })
    return { name, title: now?.title ?? old?.title ?? name, before: old, after: now, components, rest: differing(own(old), own(now)) }
  })
  const queries: Record<string, Change> = {}
  const [ran, runs] = [queriesOf(before), queriesOf(after)]
  for (const name of namesOf(ran, runs)) {
    const what = changeOf(ran[name], runs[name])
    if (what) queries[name] = what
  }
  const others = (document: AppDocument) => ({ ...document, pages: undefined, queries: undefined, scripts: undefined, transformers: undefined })
  return { pages, queries, rest: differing(others(before), others(after)) }
}

export function isUnchanged(diff: AppDiff): boolean {
  return diff.rest.length === 0 && Object.keys(diff.queries).length === 0 && changedPages(diff).length === 0
}

/** Pages that were added or removed, or in which something changed. */
export function changedPages({ pages }: AppDiff): PageDiff[] {
  return pages.filter(({ before, after, components, rest }) => !before || !after || rest.length > 0 || Object.keys(components).length > 0)
}

/** Names of the members that differ. */
function differing(before: object, after: object): string[] {
  const [old, now] = [before as Record<string, unknown>, after as Record<string, unknown>]
  return namesOf(old, now).filter((key) => !isSame(old[key], now[key]))
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
