/** Who may decide a question too, and from when on. */
import type { Approval } from '../api/types'
import { RelativeTime } from '../ui/format'

export function Escalation({ approval: { escalate_at: at, escalated_at: since, escalate_to: to } }: { approval: Approval }) {
  if (since) {
    return (
      <p className="muted">
        {to.join(', ')} may decide too since <RelativeTime at={since} />.
      </p>
    )
  }
  if (!at) return null
  return (
    <p className="muted">
      {to.join(', ')} may decide too <RelativeTime at={at} />.
    </p>
  )
}
