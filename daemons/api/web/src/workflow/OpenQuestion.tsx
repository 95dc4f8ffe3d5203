/** The question that a run waits for, where the person here may decide it. */
import { useQuery } from '@tanstack/react-query'
import { Check, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { DecisionDialog } from '../studio/DecisionDialog'
import { Escalation } from '../studio/Escalation'
import { approvalsQuery } from '../studio/lists'
import { Button } from '../ui/Button'

export function OpenQuestion({ run }: { run: string }) {
  const approvals = useQuery(approvalsQuery)
  const [isApproved, setApproved] = useState<boolean>()
  const approval = approvals.data?.find((one) => one.run === run)
  // Once it is decided here, the run takes a moment to go on.
  const wasHere = useRef(false)
  if (approval) wasHere.current = true
  if (!approval) return approvals.isFetching || !approvals.isSuccess || wasHere.current ? null : <p className="muted">Somebody else is asked to decide.</p>
  return (
    <div className="notice amber question">
      <div className="grow">
        <p>
          <strong>{approval.title}</strong>
        </p>
        {approval.description ? <p className="approval-text">{approval.description}</p> : null}
        <Escalation approval={approval} />
      </div>
      <span className="row">
        <Button size="small" icon={Check} onClick={() => setApproved(true)}>
          Approve
        </Button>
        <Button size="small" icon={X} onClick={() => setApproved(false)}>
          Reject
        </Button>
      </span>
      {isApproved === undefined ? null : <DecisionDialog approval={approval} isApproved={isApproved} onClose={() => setApproved(undefined)} />}
    </div>
  )
}
