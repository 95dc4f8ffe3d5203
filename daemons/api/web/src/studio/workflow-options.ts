/** The choice of a workflow; one that is gone or not visible stays chosen, and says so. */
import type { DocumentSummary } from '../api/types'

export function workflowOptions(all: DocumentSummary[] | undefined, current: string, none: string): (readonly [string, string])[] {
  const known = (all ?? []).map(({ slug, title }) => [slug, title] as const)
  if (current === '') return [['', none], ...known]
  return known.some(([slug]) => slug === current) ? known : [[current, all ? `${current} (not found)` : current], ...known]
}
