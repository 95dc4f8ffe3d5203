/** Narrows the list of open questions. What is chosen stands in the address. */
import type { Approval } from '../api/types'

export interface ApprovalFilters {
  /** The slug of the workflow that asks. */
  workflow?: string
  /** A text in the question. */
  text?: string
  /** Those with a deadline within a day, or those that have escalated. */
  only?: 'due' | 'escalated'
}

const dayMs = 24 * 3600 * 1000

export function approvalFiltersOf(search: Record<string, unknown>): ApprovalFilters {
  const { workflow, text, only } = search
  return {
    ...(typeof workflow === 'string' ? { workflow } : {}),
    ...(typeof text === 'string' && text !== '' ? { text: text.slice(0, 200) } : {}),
    ...(only === 'due' || only === 'escalated' ? { only } : {}),
  }
}

export function narrowed(approvals: Approval[], { workflow, text, only }: ApprovalFilters, now = Date.now()): Approval[] {
  const wanted = text?.trim().toLowerCase() ?? ''
  return approvals.filter(
    (one) =>
      (workflow === undefined || one.workflow === workflow) &&
      (wanted === '' || `${one.title}\n${one.description}`.toLowerCase().includes(wanted)) &&
      (only !== 'due' || (one.deadline != null && new Date(one.deadline).getTime() - now <= dayMs)) &&
      (only !== 'escalated' || one.escalated_at != null),
  )
}

/** The workflows that ask something, by title. */
export function askers(approvals: Approval[]): (readonly [slug: string, title: string])[] {
  const found = new Map(approvals.map((one) => [one.workflow, one.workflow_title]))
  return [...found].sort(([, one], [, other]) => one.localeCompare(other))
}
