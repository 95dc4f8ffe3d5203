/** A script: its code, what running it gave, when it runs and what follows. */
import { Play } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, Script } from '../../api/types'
import { useRuntime, useRuntimeState } from '../../components/runtime-context'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { SelectField } from '../../ui/Field'
import { JsonView } from '../../ui/JsonView'
import { NameField } from '../Inspector'
import { watched } from '../debug/watched'
import { removeQuery } from '../edits'
import { NumberField } from './ActionFields'
import { AppCodeEditor } from './AppCodeEditor'
import { FlowFields } from './FlowFields'
import { RemoveButton } from './RemoveButton'

interface Props {
  name: string
  script: Script
  store: DraftStore<AppDocument>
  onRenamed: (name: string) => void
  onRemoved: () => void
}

export function ScriptEditor({ name, script, store, onRenamed, onRemoved }: Props) {
  const runtime = useRuntime()
  const state = useRuntimeState(({ queries }) => queries[name])
  const [isBusy, setBusy] = useState(false)
  const logs = useStore(watched, ({ entries }) => entries).filter((entry) => entry.kind === 'log' && entry.name === name)
  const change = (part: Partial<Script>, key?: string) =>
    store.edit((draft) => {
      const target = draft.scripts?.[name]
      if (target) Object.assign(target, part)
    }, key && `${name}.${key}`)
  const run = async () => {
    setBusy(true)
    try {
      await runtime.runQuery(name, { isQuiet: true })
    } finally {
      setBusy(false)
    }
  }
  const result = state?.result && 'data' in state.result ? state.result.data : undefined
  return (
    <>
      <div className="drawer-editor">
        <AppCodeEditor label={`Code of ${name}`} mayAct value={script.code} placeholderText={'const rows = await query1.run({ id: 7 })\nreturn rows.length'} onChange={(code) => change({ code }, 'code')} onRun={() => void run()} />
        <div className="drawer-run">
          <Button variant="primary" size="small" icon={Play} isBusy={isBusy} onClick={() => void run()}>
            Run script
          </Button>
          <span className="muted">
            <kbd>Ctrl Enter</kbd>
          </span>
        </div>
      </div>
      <div className="drawer-result" aria-live="polite">
        {state?.status === 'failed' ? <p className="notice red">{state.message}</p> : state?.status === 'done' ? <JsonView value={result ?? null} /> : <p className="muted">Run the script to see what it returns here. It sees queries, components and state; console.log() writes below.</p>}
        {logs.length > 0 ? <pre className="logic-log">{logs.slice(-50).map(({ text }) => text).join('\n')}</pre> : null}
      </div>
      <div className="drawer-settings compact">
        <NameField name={name} store={store} onRenamed={onRenamed} />
        <SelectField
          label="Runs"
          value={script.run ?? 'manual'}
          options={[
            ['manual', 'When an event asks'],
            ['load', 'When the page opens'],
          ]}
          onChange={({ target }) => change({ run: target.value === 'load' ? 'load' : 'manual' })}
        />
        <NumberField label="Stopped after (ms)" placeholder="30000" value={script['timeout-ms']} onChange={(ms) => change({ 'timeout-ms': ms ?? 30_000 }, 'timeout')} />
        <FlowFields name={name} flow={script} mayRepeat store={store} change={change} />
        <RemoveButton text="Delete script" store={store} remove={(draft) => removeQuery(draft, name)} onRemoved={onRemoved} />
      </div>
    </>
  )
}
