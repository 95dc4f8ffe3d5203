/** What holds of every run of a query or a script, and what follows it. */
import { useStore } from 'zustand'
import type { AppDocument, Flow } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { CheckField } from '../../ui/Field'
import { BindingField } from '../BindingField'
import { NumberField } from './ActionFields'
import { ConditionField, StepsField } from './StepsField'

interface Props {
  name: string
  flow: Flow
  /** Whether a timer may run it. */
  mayRepeat: boolean
  store: DraftStore<AppDocument>
  change: (part: Flow, key?: string) => void
}

export function FlowFields({ name, flow, mayRepeat, store, change }: Props) {
  const queries = useStore(store, (state) => state.document.queries) ?? {}
  const refresh = flow.refresh ?? []
  const others = Object.keys(queries).filter((other) => other !== name)
  return (
    <>
      <ConditionField when={flow.when} onChange={(when) => change({ when }, 'when')} />
      <BindingField label="Ask before it runs" hint="A question to confirm; empty asks nothing." value={flow.confirm ?? ''} onChange={(confirm) => change({ confirm: confirm === '' ? null : confirm }, 'confirm')} />
      <NumberField label="Wait before it runs by itself (ms)" placeholder="0" value={flow['delay-ms']} onChange={(ms) => change({ 'delay-ms': ms }, 'delay')} />
      {mayRepeat ? <NumberField label="Run again every (seconds)" placeholder="never" hint="Paused as long as nobody sees the page." value={flow['every-seconds']} onChange={(seconds) => change({ 'every-seconds': seconds }, 'every')} /> : null}
      <StepsField label="After success" steps={flow['on-success'] ?? []} store={store} onChange={(steps) => change({ 'on-success': steps }, 'on-success')} />
      <StepsField label="After failure" steps={flow['on-failure'] ?? []} store={store} onChange={(steps) => change({ 'on-failure': steps }, 'on-failure')} />
      {others.length > 0 ? (
        <div className="field" role="group" aria-label="Run again after success">
          <span className="label">Run again after success</span>
          {others.map((other) => (
            <CheckField key={other} label={other} checked={refresh.includes(other)} onChange={({ target }) => change({ refresh: target.checked ? [...refresh, other] : refresh.filter((one) => one !== other) })} />
          ))}
        </div>
      ) : null}
    </>
  )
}
