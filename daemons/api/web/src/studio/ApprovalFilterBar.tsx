/** Narrows the list of open questions. */
import { Search, X } from 'lucide-react'
import type { Approval } from '../api/types'
import { Button } from '../ui/Button'
import { type ApprovalFilters, approvalFiltersOf, askers } from './approval-filters'

interface Props {
  approvals: Approval[]
  filters: ApprovalFilters
  onChange: (filters: ApprovalFilters) => void
}

export function ApprovalFilterBar({ approvals, filters, onChange }: Props) {
  const set = (next: Record<string, string | undefined>) => onChange(approvalFiltersOf({ ...filters, ...next }))
  const isFiltered = Object.keys(filters).length > 0
  return (
    <div className="filters" role="search" aria-label="Filter approvals">
      <label className="filter-text">
        <Search className="icon" strokeWidth={1.5} aria-hidden />
        <input className="input" type="search" aria-label="Text in the question" placeholder="Text in the question" maxLength={200} spellCheck={false} autoComplete="off" value={filters.text ?? ''} data-chosen={filters.text ? true : undefined} onChange={({ target }) => set({ text: target.value })} />
      </label>
      <select className="input" aria-label="Workflow" value={filters.workflow ?? ''} data-chosen={filters.workflow ? true : undefined} onChange={({ target }) => set({ workflow: target.value || undefined })}>
        <option value="">Any workflow</option>
        {askers(approvals).map(([slug, title]) => (
          <option key={slug} value={slug}>
            {title}
          </option>
        ))}
      </select>
      <select className="input" aria-label="Which" value={filters.only ?? ''} data-chosen={filters.only ? true : undefined} onChange={({ target }) => set({ only: target.value || undefined })}>
        <option value="">All of them</option>
        <option value="due">Due within a day</option>
        <option value="escalated">Escalated</option>
      </select>
      {isFiltered ? (
        <Button variant="ghost" icon={X} onClick={() => onChange({})}>
          Clear filters
        </Button>
      ) : null}
    </div>
  )
}
