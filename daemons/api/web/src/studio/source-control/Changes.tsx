/** The documents that are not the same here and in the repository. */
import type { DocumentChange } from '../../api/types'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { count } from '../../ui/format'
import { canCommit, standingOf } from './standing'

interface Props {
  changes: DocumentChange[]
  unchanged: number
  isFetched: boolean
  selected: ReadonlySet<string>
  choices: Record<string, 'mine' | 'theirs'>
  onSelect: (selected: ReadonlySet<string>) => void
  onChoose: (key: string, choice: 'mine' | 'theirs') => void
  onCompare: (change: DocumentChange) => void
}

export function Changes({ changes, unchanged, isFetched, selected, choices, onSelect, onChoose, onCompare }: Props) {
  const free = changes.filter(canCommit)
  const isAll = free.length > 0 && free.every(({ key }) => selected.has(key))
  const toggle = (key: string) => {
    const next = new Set(selected)
    if (!next.delete(key)) next.add(key)
    onSelect(next)
  }
  const same = count(unchanged, 'document is the same', 'documents are the same')
  if (changes.length === 0) return <p className="muted">{isFetched ? `Nothing differs: ${same} here and in the repository.` : 'Fetch to see what the repository has.'}</p>
  return (
    <section aria-labelledby="source-control-changes">
      <h2 id="source-control-changes">Changes</h2>
      <p className="muted">{`As of the last fetch. ${same}.`}</p>
      <table className="list">
        <thead>
          <tr>
            <th className="source-check">
              <input type="checkbox" aria-label="Choose all that can be committed" disabled={free.length === 0} checked={isAll} onChange={() => onSelect(new Set(isAll ? [] : free.map(({ key }) => key)))} />
            </th>
            <th>Document</th>
            <th>Standing</th>
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.key}>
              <td>{canCommit(change) ? <input type="checkbox" aria-label={`Choose ${change.key}`} checked={selected.has(change.key)} onChange={() => toggle(change.key)} /> : null}</td>
              <td>
                <strong>{change.title}</strong>
                <div className="muted mono source-url">{change.key}</div>
                {change.fault ? <p className="error">{change.fault}</p> : null}
              </td>
              <td>
                <Badge tone={standingOf(change).tone}>{standingOf(change).text}</Badge>
                <div className="muted wide-only">{standingOf(change).hint}</div>
              </td>
              <td className="actions">
                <span className="row wrap">
                  {change.standing === 'conflict'
                    ? (['mine', 'theirs'] as const).map((choice) => (
                        <Button key={choice} size="small" variant={choices[change.key] === choice ? 'primary' : 'secondary'} aria-pressed={choices[change.key] === choice} label={`${choice === 'mine' ? 'Mine' : 'Theirs'} for ${change.key}`} onClick={() => onChoose(change.key, choice)}>
                          {choice === 'mine' ? 'Mine' : 'Theirs'}
                        </Button>
                      ))
                    : null}
                  <Button size="small" onClick={() => onCompare(change)}>
                    Compare
                  </Button>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
