/** A part of a workflow that has a name, in a panel: folded to a line, or opened with its fields. */
import { ChevronRight, CircleAlert, Trash2 } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from '../ui/Button'
import './PartCard.css'

interface Props {
  name: string
  icon: LucideIcon
  /** What it is, in a few words. */
  summary: string
  isFaulty: boolean
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
  onRemove: () => void
  children: ReactNode
}

export function PartCard({ name, icon: Icon, summary, isFaulty, isOpen, onToggle, onRemove, children }: Props) {
  return (
    <details className="part card" open={isOpen} onToggle={({ currentTarget }) => onToggle(currentTarget.open)}>
      <summary>
        <ChevronRight className="icon turner" strokeWidth={1.5} aria-hidden />
        <Icon className="icon" strokeWidth={1.5} aria-hidden />
        <strong className="mono truncate">{name}</strong>
        <span className="muted grow truncate">{summary}</span>
        {isFaulty ? <CircleAlert className="icon faulty" role="img" aria-label="Has a fault" /> : null}
      </summary>
      {isOpen ? (
        <div className="part-body">
          {children}
          <div>
            <Button size="small" variant="danger" icon={Trash2} label={`Remove ${name}`} onClick={onRemove}>
              Remove
            </Button>
          </div>
        </div>
      ) : null}
    </details>
  )
}
