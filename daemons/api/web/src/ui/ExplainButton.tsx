/** Asks how a query would be run; for a query that reads also by running it. */
import { ListTree } from 'lucide-react'
import { useState } from 'react'
import { type Ask, isWrite } from '../document/query-ask'
import { useKind } from './AskFields'
import { Button } from './Button'
import { CheckField } from './Field'

/** Kinds of resources that tell it. */
const explaining = new Set(['postgresql'])

interface Props {
  ask: Ask & { resource: string }
  isBusy: boolean
  isDisabled?: boolean
  onExplain: (analyze: boolean) => void
}

export function ExplainButton({ ask, isBusy, isDisabled = false, onExplain }: Props) {
  const kind = useKind(ask.resource)
  const [analyze, setAnalyze] = useState(false)
  const isList = Boolean(ask.statements?.length)
  const isTold = !isList && (kind === undefined || explaining.has(kind))
  const why = isList ? 'A list of statements has no plan' : 'This kind of resource does not tell how it runs a query'
  const mayRun = isTold && !isWrite(ask)
  return (
    <>
      <Button size="small" icon={ListTree} isBusy={isBusy} disabled={isDisabled || !isTold} title={isTold ? 'How the database would run it' : why} onClick={() => onExplain(analyze && mayRun)}>
        Explain
      </Button>
      {mayRun ? <CheckField label="by running it" title="ANALYZE: the query is run, and its steps are measured" checked={analyze} onChange={({ target }) => setAnalyze(target.checked)} /> : null}
    </>
  )
}
