/** What a block that was run alone has come to so far. */
import { JsonView } from '../ui/JsonView'
import { PlanView } from '../ui/PlanView'
import { ResultGrid } from '../ui/ResultGrid'
import { bytes, duration } from '../ui/format'
import { ErrorNotice } from '../ui/states'
import { LogView, RunErrorView } from './RunParts'
import type { Outcome } from './use-block-run'

export function OutcomeView({ outcome, isRunning }: { outcome: Outcome; isRunning: boolean }) {
  return (
    <div className="stack" aria-live="polite">
      {outcome.lines.length > 0 ? <LogView lines={outcome.lines} /> : null}
      {outcome.error ? <RunErrorView error={outcome.error} /> : null}
      {outcome.problem ? <ErrorNotice error={outcome.problem} /> : null}
      {outcome.result ? <ResultGrid label="Result of the block" result={outcome.result} /> : null}
      {outcome.plan ? <PlanView label="Plan of the block" plan={outcome.plan} /> : null}
      {outcome.hasValue ? (
        <div className="output">
          <JsonView value={outcome.value} />
        </div>
      ) : null}
      {outcome.usage ? (
        <p className="muted">
          {duration(outcome.usage.wall_ms)} · {bytes(outcome.usage.peak_memory_bytes)} of memory at most
        </p>
      ) : isRunning ? (
        <p className="muted">Running…</p>
      ) : null}
    </div>
  )
}
