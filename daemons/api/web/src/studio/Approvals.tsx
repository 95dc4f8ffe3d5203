/** The questions that runs ask and that the person here may decide. */
import { useQuery } from '@tanstack/react-query'
import { Link, getRouteApi } from '@tanstack/react-router'
import { Check, ClipboardCheck, X } from 'lucide-react'
import { useState } from 'react'
import type { Approval } from '../api/types'
import { Button } from '../ui/Button'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { ApprovalFilterBar } from './ApprovalFilterBar'
import { DecisionDialog } from './DecisionDialog'
import { Escalation } from './Escalation'
import { PageHead } from './PageHead'
import { type ApprovalFilters, narrowed } from './approval-filters'
import { approvalsQuery } from './lists'

const followMs = 15_000

const route = getRouteApi('/frame/approvals')

export function Approvals() {
  const approvals = useQuery({ ...approvalsQuery, refetchInterval: followMs, refetchOnWindowFocus: 'always' })
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const [decided, setDecided] = useState<{ approval: Approval; isApproved: boolean }>()
  const show = (next: ApprovalFilters) => void navigate({ search: next, replace: true })
  return (
    <>
      <PageHead title="Approvals" />
      <div className="page-body">
        <Loaded query={approvals}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={ClipboardCheck} title="Nothing waits for you">
                A workflow with an approval block, say before it refunds an order, asks its question here and goes on when you have decided.
              </EmptyState>
            ) : (
              <>
                <ApprovalFilterBar approvals={all} filters={filters} onChange={show} />
                <Questions approvals={narrowed(all, filters)} onDecide={setDecided} onClear={() => show({})} />
              </>
            )
          }
        </Loaded>
      </div>
      {decided ? <DecisionDialog {...decided} onClose={() => setDecided(undefined)} /> : null}
    </>
  )
}

function Questions({ approvals, onDecide, onClear }: { approvals: Approval[]; onDecide: (decided: { approval: Approval; isApproved: boolean }) => void; onClear: () => void }) {
  if (approvals.length === 0) {
    return (
      <EmptyState icon={ClipboardCheck} title="No question is like that" action={<Button onClick={onClear}>Clear filters</Button>}>
        Others wait for you: clear the filters to see them.
      </EmptyState>
    )
  }
  return (
    <table className="list approvals">
      <thead>
        <tr>
          <th>Question</th>
          <th className="wide-only">Run of</th>
          <th className="wide-only">Asked</th>
          <th className="wide-only">Deadline</th>
          <th>
            <span className="visually-hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {approvals.map((approval) => (
          <Row key={approval.id} approval={approval} onDecide={(isApproved) => onDecide({ approval, isApproved })} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ approval, onDecide }: { approval: Approval; onDecide: (isApproved: boolean) => void }) {
  const run = (
    <Link to="/workflows/$slug/runs/$run" params={{ slug: approval.workflow, run: approval.run }}>
      {approval.workflow_title}
    </Link>
  )
  const deadline = approval.deadline ? <RelativeTime at={approval.deadline} /> : 'None'
  return (
    <tr>
      <td>
        <strong>{approval.title}</strong>
        {approval.description ? <p className="muted approval-text">{approval.description}</p> : null}
        <Escalation approval={approval} />
        <div className="muted narrow-only">
          {run}, asked <RelativeTime at={approval.created_at} />
          {approval.deadline ? (
            <>
              , due <RelativeTime at={approval.deadline} />
            </>
          ) : null}
        </div>
      </td>
      <td className="wide-only">{run}</td>
      <td className="wide-only muted">
        <RelativeTime at={approval.created_at} />
      </td>
      <td className="wide-only muted">{deadline}</td>
      <td className="actions">
        <span className="row">
          <Button size="small" icon={Check} title={`Approve ${approval.title}`} onClick={() => onDecide(true)}>
            Approve
          </Button>
          <Button size="small" icon={X} title={`Reject ${approval.title}`} onClick={() => onDecide(false)}>
            Reject
          </Button>
        </span>
      </td>
    </tr>
  )
}
