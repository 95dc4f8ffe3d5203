/** How often and when a block that failed is tried again. */
import type { Retry } from '../../api/types'
import { TextField } from '../../ui/Field'
import type { Change } from './change'
import { OptionalNumber, WordsField } from './fields'

export function RetrySection({ retry, change }: { retry: Retry | null | undefined; change: Change }) {
  const set = (next: Partial<Retry>, key: string) => change({ retry: { count: 3, ...retry, ...next } }, `retry.${key}`)
  return (
    <div className="panel-section">
      <details className="more-settings">
        <summary>Retry{retry ? `: up to ${retry.count} more` : ''}</summary>
        <div className="stack compact">
          <OptionalNumber
            label="Attempts after the first"
            placeholder="None"
            hint="A block that may have changed something is tried again only if it is idempotent."
            value={retry?.count}
            onChange={(count) => (count === null || count === 0 ? change({ retry: null }, 'retry.count') : set({ count }, 'count'))}
          />
          {retry ? (
            <>
              <div className="form-grid thirds">
                <TextField label="First pause (ms)" type="number" min={0} value={retry['delay-ms'] ?? 1000} onChange={({ target }) => set({ 'delay-ms': target.valueAsNumber || 0 }, 'delay')} />
                <TextField label="Factor" type="number" min={1} max={10} step={0.5} value={retry.factor ?? 2} onChange={({ target }) => set({ factor: target.valueAsNumber || 1 }, 'factor')} />
                <TextField label="Longest pause (ms)" type="number" min={0} value={retry['max-delay-ms'] ?? 60000} onChange={({ target }) => set({ 'max-delay-ms': target.valueAsNumber || 0 }, 'max')} />
              </div>
              <p className="muted">Each pause is the one before times the factor.</p>
              <WordsField label="Only for kinds" placeholder="http-status, query-failed" hint="Kinds of errors that are worth another attempt; all of them when empty." value={retry.on ?? []} onChange={(on) => set({ on: on.length > 0 ? on : undefined }, 'on')} />
            </>
          ) : null}
        </div>
      </details>
    </div>
  )
}
