/** Why edits were not saved: what somebody else has written, with a choice for each, and what the database does not take. */
import { CircleAlert } from 'lucide-react'
import { Button } from '../ui/Button'
import { type History, type SheetFault, forget, isNew, rebase, step } from './edits'

interface Props {
  faults: readonly SheetFault[]
  history: History
  onHistory: (history: History) => void
  onFaults: (faults: readonly SheetFault[]) => void
}

const shown = 8

export function Faults({ faults, history, onHistory, onFaults }: Props) {
  if (faults.length === 0) return null
  const settle = (fault: SheetFault, isMine: boolean) => {
    const column = fault.column ?? undefined
    onHistory(step(history, isMine && column ? rebase(history.now, fault.row, column, fault.current ?? null) : forget(history.now, fault.row, fault.why === 'changed' && !(fault.row in history.now.deleted) ? column : undefined)))
    onFaults(faults.filter((other) => other !== fault))
  }
  return (
    <div className="notice red sheet-faults" role="alert">
      <CircleAlert className="icon" aria-hidden />
      <div className="grow">
        <p>Nothing was saved. Settle these, then save again.</p>
        <ul>
          {faults.slice(0, shown).map((fault) => (
            <li key={`${fault.row} ${fault.column}`} className="row wrap">
              <span className="grow">
                <span className="mono">{nameOf(fault)}</span> {fault.message}
                {fault.why === 'changed' ? (
                  <>
                    {' '}
                    It is <strong>{fault.current ?? 'NULL'}</strong> now.
                  </>
                ) : null}
              </span>
              {fault.why === 'changed' ? (
                <Button size="small" onClick={() => settle(fault, true)}>
                  Keep mine
                </Button>
              ) : null}
              {fault.why === 'refused' ? null : (
                <Button size="small" onClick={() => settle(fault, false)}>
                  {fault.why === 'gone' ? 'Forget my edit' : 'Take theirs'}
                </Button>
              )}
            </li>
          ))}
        </ul>
        {faults.length > shown ? <p>And {faults.length - shown} more.</p> : null}
      </div>
    </div>
  )
}

function nameOf({ row, column }: SheetFault): string {
  const name = isNew(row) ? `new row ${row.slice(1)}` : (JSON.parse(row) as string[]).join(' / ')
  return column ? `${name}, ${column}:` : `${name}:`
}
