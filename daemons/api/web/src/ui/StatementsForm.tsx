/** Statements that run one after another in one transaction: all of them, or none. The result is that of the last. */
import { ArrowUp, Plus, Trash2 } from 'lucide-react'
import { Button } from './Button'
import { SqlEditor } from './SqlEditor'
import './statements.css'

/** The most statements in one query. */
const maxStatements = 20

interface Props {
  resource: string
  statements: string[]
  onChange: (statements: string[], key?: string) => void
  onRun?: () => void
}

export function StatementsForm({ resource, statements, onChange, onRun }: Props) {
  const without = (index: number) => statements.filter((_, at) => at !== index)
  const moveUp = (index: number) => onChange([...statements.slice(0, index - 1), statements[index] ?? '', statements[index - 1] ?? '', ...statements.slice(index + 1)])
  return (
    <div className="stack">
      <p className="muted">They run in one transaction, all or none. The result is that of the last.</p>
      <ol className="statements">
        {statements.map((statement, index) => (
          <li key={index}>
            <header className="row">
              <span className="label grow">Statement {index + 1}</span>
              {index > 0 ? <Button variant="ghost" size="small" icon={ArrowUp} label={`Move statement ${index + 1} up`} onClick={() => moveUp(index)} /> : null}
              {statements.length > 1 ? <Button variant="ghost" size="small" icon={Trash2} label={`Remove statement ${index + 1}`} onClick={() => onChange(without(index))} /> : null}
            </header>
            <div className="statement-editor">
              <SqlEditor label={`Statement ${index + 1}`} resource={resource} value={statement} onChange={(text) => onChange(statements.map((other, at) => (at === index ? text : other)), `statements.${index}`)} {...(onRun ? { onRun } : {})} />
            </div>
          </li>
        ))}
      </ol>
      <div>
        <Button size="small" icon={Plus} disabled={statements.length >= maxStatements} onClick={() => onChange([...statements, 'select 1 as one'])}>
          Add statement
        </Button>
      </div>
    </div>
  )
}
