/** Reports of imports that became drafts here, until the page is loaded anew: they are worked through in the editor. */
import { createStore } from 'zustand/vanilla'
import type { ImportNote } from '../../api/types'

interface Kept {
  /** By the slug of the workflow. */
  reports: Record<string, ImportNote[]>
}

export const keptReports = createStore<Kept>(() => ({ reports: {} }))

export function keepReport(slug: string, report: ImportNote[]): void {
  keptReports.setState(({ reports }) => ({ reports: { ...reports, [slug]: report } }))
}

export function dropReport(slug: string): void {
  keptReports.setState(({ reports }) => ({ reports: Object.fromEntries(Object.entries(reports).filter(([other]) => other !== slug)) }))
}
