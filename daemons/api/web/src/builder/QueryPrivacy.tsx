/** Who may run a query, which of its values stay out of the audit trail, and moving it to the library. */
import { useQuery } from '@tanstack/react-query'
import { LibraryBig } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { AppDocument, AppQuery } from '../api/types'
import { useRuntime } from '../components/runtime-context'
import type { DraftStore } from '../document/draft-store'
import { isBoundByServer } from '../runtime/model'
import { groupsQuery } from '../studio/lists'
import { Button } from '../ui/Button'
import { CheckField } from '../ui/Field'
import { MoveToLibrary } from './MoveToLibrary'
import { cutQuery } from './use-builder-runtime'

interface Props {
  name: string
  query: AppQuery
  store: DraftStore<AppDocument>
  change: (part: Partial<AppQuery>, key?: string) => void
}

/** The same list with or without one. */
const toggled = (list: readonly string[], one: string, isIn: boolean) => (isIn ? [...list, one] : list.filter((other) => other !== one))

export function QueryPrivacy({ name, query, store, change }: Props) {
  const runtime = useRuntime()
  const groups = useQuery(groupsQuery).data ?? []
  const [expressions, setExpressions] = useState<string[]>([])
  const [isMoving, setMoving] = useState(false)
  useEffect(() => {
    let isGone = false
    void cutQuery(runtime, query).then((found) => {
      if (!isGone) setExpressions(found.expressions.filter((expression) => !isBoundByServer(expression)))
    })
    return () => {
      isGone = true
    }
  }, [runtime, query])
  const allowed = query['allowed-groups'] ?? []
  const hidden = query['hidden-parameters'] ?? []
  const shownGroups = [...new Set([...groups.map((group) => group.name), ...allowed])]
  const shownExpressions = [...new Set([...expressions, ...hidden])]
  return (
    <>
      {shownGroups.length === 0 ? null : (
        <details className="field">
          <summary className="label">{allowed.length === 0 ? 'Everybody who may use the app may run it' : `Only ${allowed.join(', ')} may run it`}</summary>
          {shownGroups.map((group) => (
            <CheckField key={group} label={group} checked={allowed.includes(group)} onChange={({ target }) => change({ 'allowed-groups': toggled(allowed, group, target.checked) })} />
          ))}
          <p className="hint">Members of these groups; everybody where none is chosen. Administrators always may.</p>
        </details>
      )}
      {shownExpressions.length === 0 ? null : (
        <details className="field">
          <summary className="label">{hidden.length === 0 ? 'Values in the audit trail' : `${hidden.length} hidden in the audit trail`}</summary>
          {shownExpressions.map((expression) => (
            <CheckField key={expression} label={`Hide ${expression}`} checked={hidden.includes(expression)} onChange={({ target }) => change({ 'hidden-parameters': toggled(hidden, expression, target.checked) })} />
          ))}
          <p className="hint">Where values are recorded at all, these are not.</p>
        </details>
      )}
      {query.library ? null : (
        <Button variant="ghost" size="small" icon={LibraryBig} onClick={() => setMoving(true)}>
          Move to the library
        </Button>
      )}
      {isMoving ? <MoveToLibrary name={name} query={query} store={store} onClose={() => setMoving(false)} /> : null}
    </>
  )
}
