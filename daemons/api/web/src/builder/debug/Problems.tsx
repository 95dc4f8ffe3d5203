/** What does not work now, and what is likely a mistake; each leads to where it is. */
import { CircleAlert, TriangleAlert } from 'lucide-react'
import { useDeferredValue, useMemo } from 'react'
import { useStore } from 'zustand'
import type { AppDocument } from '../../api/types'
import { isAbsent, useRuntime, useRuntimeState } from '../../components/runtime-context'
import type { DraftStore } from '../../document/draft-store'
import { type Finding, lint, ownerOf } from '../../document/lint'
import type { Owner } from '../../document/places'
import type { RuntimeState } from '../../runtime/runtime'
import { valueAtPath, valuesNow } from '../assist/values'
import { watched } from './watched'

interface Props {
  page: string
  store: DraftStore<AppDocument>
  onOpen: (owner: Owner) => void
}

/** Errors of bindings and queries as they are now. */
function failing(document: AppDocument, { shown, queries }: RuntimeState): Finding[] {
  const findings: Finding[] = []
  for (const [id, outcome] of Object.entries(shown)) {
    if (!('error' in outcome) || id.includes('?')) continue
    const owner = ownerOf(document, id)
    // What reads something that is not there yet is no mistake.
    if (owner && !isAbsent(outcome)) findings.push({ owner, at: id.slice(id.indexOf('.') + 1), message: outcome.error, tone: 'error' })
  }
  for (const [name, { status, message }] of Object.entries(queries)) {
    const owner = ownerOf(document, name)
    if (owner && status === 'failed') findings.push({ owner, at: '', message: message ?? 'It failed.', tone: 'error' })
    if (owner && status === 'waiting') findings.push({ owner, at: '', message: `It waits: ${message ?? ''}`, tone: 'warning' })
  }
  return findings
}

export function Problems({ page, store, onOpen }: Props) {
  const document = useDeferredValue(useStore(store, (state) => state.document))
  const runtime = useRuntime()
  const state = useRuntimeState((now) => now)
  const slow = useStore(watched, (now) => now.slow)
  const likely = useMemo(() => {
    const values = valuesNow(runtime)
    const members = (path: readonly string[]) => {
      const value = valueAtPath(values, path)
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined
    }
    return lint(document, { members, slow })
    // What rows hold follows queries.
  }, [document, slow, runtime, state.queries])
  const isSaid = ({ owner, at }: Finding) => likely.some((other) => other.tone === 'error' && other.owner.name === owner.name && other.at === at)
  const findings = [...failing(document, state).filter((finding) => !isSaid(finding)), ...likely]
  if (findings.length === 0) return <p className="muted">Nothing is wrong that can be seen from here.</p>
  return (
    <ul className="debug-list">
      {findings.map((finding, index) => (
        <li key={index}>
          <button type="button" className={finding.tone === 'error' ? 'debug-finding red' : 'debug-finding'} onClick={() => onOpen(finding.owner)}>
            {finding.tone === 'error' ? <CircleAlert className="icon" aria-label="Error" /> : <TriangleAlert className="icon" aria-label="Warning" />}
            <strong>{finding.owner.name}</strong>
            <span className="muted">{[finding.owner.page && finding.owner.page !== page ? `on ${finding.owner.page}` : '', finding.at].filter(Boolean).join(', ')}</span>
            <span className="grow">{finding.message}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}
