/** Editors of the blocks that decide, repeat and keep. */
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import { nameFault } from '../../document/names'
import { Button } from '../../ui/Button'
import { CheckField, SelectField, TextField } from '../../ui/Field'
import type { EditorProps } from './change'
import { ExpressionField, OptionalNumber, WordsField } from './fields'

export function BranchEditor({ block, change, faults }: EditorProps<'branch'>) {
  return (
    <div className="panel-section">
      <ExpressionField label="Condition" value={block.condition} onChange={(condition) => change({ condition }, 'condition')} faults={faults} placeholderText="load.rows.length > 0" hint="A JavaScript expression. When it holds the run leaves by “true”, else by “false”." />
    </div>
  )
}

export function LoopEditor({ block, change, faults }: EditorProps<'loop'>) {
  const mode = block.mode ?? 'sequential'
  // What is typed must not close the section that it is typed in.
  const [isOpen, setOpen] = useState(Boolean(block.until) || block['timeout-s'] != null)
  return (
    <>
      <div className="panel-section">
        <ExpressionField label="Over" value={block.over} onChange={(over) => change({ over }, 'over')} faults={faults} placeholderText="load.rows" hint="A list, an object or a number of repetitions. Blocks after “each” run once for each item and see item and index." />
        <div className="form-grid">
          <SelectField
            label="Rounds"
            value={mode}
            options={[
              ['sequential', 'One after the other'],
              ['parallel', 'Some at the same time'],
              ['batch', 'In batches'],
            ]}
            onChange={({ target }) => change({ mode: target.value === 'parallel' || target.value === 'batch' ? target.value : 'sequential' })}
          />
          {mode === 'sequential' ? null : <TextField label="At once" type="number" min={1} max={50} value={block['at-once'] ?? 5} onChange={({ target }) => change({ 'at-once': target.valueAsNumber || 1 }, 'at-once')} />}
          {mode === 'batch' ? <TextField label="Pause between batches (ms)" type="number" min={0} value={block['delay-ms'] ?? 0} onChange={({ target }) => change({ 'delay-ms': target.valueAsNumber || 0 }, 'delay')} /> : null}
        </div>
        <SelectField
          label="When a round fails"
          value={block['on-failure'] ?? 'fail'}
          options={[
            ['fail', 'The loop fails too'],
            ['continue', 'The loop goes on'],
          ]}
          hint={block['on-failure'] === 'continue' ? 'The result of the round is {error}.' : undefined}
          onChange={({ target }) => change({ 'on-failure': target.value === 'continue' ? 'continue' : 'fail' })}
        />
        <CheckField label="Keep the results of the rounds" checked={block.collect ?? true} onChange={({ target }) => change({ collect: target.checked })} />
      </div>
      <div className="panel-section">
        <details className="more-settings" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>Ends early</summary>
          <div className="stack">
            <ExpressionField label="Until" value={block.until ?? ''} onChange={(until) => change({ until: until.trim() === '' ? null : until }, 'until')} placeholderText="page.body.next === null" hint="Looked at after each round, whose blocks it sees; the loop ends when it holds." />
            <OptionalNumber label="Time limit (s)" placeholder="None" hint="The loop fails when it takes longer." value={block['timeout-s']} onChange={(seconds) => change({ 'timeout-s': seconds }, 'timeout')} />
          </div>
        </details>
      </div>
    </>
  )
}

export function TryEditor({ block, change }: EditorProps<'try'>) {
  return (
    <div className="panel-section">
      <p className="muted">Blocks after “try” run. When one of them fails, those after “catch” run instead and see error.</p>
      <WordsField label="Catches only" placeholder="query-failed, http-status" hint="Kinds of errors; every failure when empty." value={block.on ?? []} onChange={(on) => change({ on }, 'on')} />
    </div>
  )
}

export function FilterEditor({ block, change, faults }: EditorProps<'filter'>) {
  return (
    <div className="panel-section">
      <ExpressionField label="Over" value={block.over} onChange={(over) => change({ over }, 'over')} placeholderText="load.rows" hint="A JavaScript expression whose value is a list." />
      <ExpressionField label="Keep where" value={block.where} onChange={(where) => change({ where }, 'where')} faults={faults} placeholderText="item.total > 100" hint="Looked at for each item and index; items for which it holds are kept." />
    </div>
  )
}

export function SetEditor({ block, change, store }: EditorProps<'set'>) {
  const variables = useStore(store, (state) => state.document.variables) ?? {}
  const [typed, setTyped] = useState('')
  const free = Object.keys(variables).filter((variable) => !(variable in block.values))
  const set = (variable: string, value: string) => change({ values: { ...block.values, [variable]: value } }, `value.${variable}`)
  const isName = nameFault(typed) === undefined
  const addNew = () => {
    if (!isName || typed in block.values) return
    if (!(typed in variables)) store.edit((draft) => void (draft.variables = { ...draft.variables, [typed]: null }))
    change({ values: { ...block.values, [typed]: 'null' } })
    setTyped('')
  }
  return (
    <div className="panel-section">
      <p className="muted">Later expressions read a variable as vars.name. All values here see the variables as they were before.</p>
      {Object.entries(block.values).map(([variable, value]) => (
        <div key={variable} className="row">
          <div className="grow">
            <ExpressionField label={variable} value={value} onChange={(next) => set(variable, next)} placeholderText={`vars.${variable} + 1`} />
          </div>
          <Button
            className="align-end"
            variant="ghost"
            icon={Trash2}
            label={`Leave ${variable} as it is`}
            onClick={() => change({ values: Object.fromEntries(Object.entries(block.values).filter(([other]) => other !== variable)) })}
          />
        </div>
      ))}
      {free.length > 0 ? <SelectField label="Set another variable" value="" options={[['', 'Choose a variable'], ...free.map((variable) => [variable, variable] as const)]} onChange={({ target }) => target.value && set(target.value, `vars.${target.value}`)} /> : null}
      <div className="row">
        <div className="grow">
          <TextField label="New variable" className="mono" placeholder="total" maxLength={63} value={typed} onChange={({ target }) => setTyped(target.value)} />
        </div>
        <Button className="align-end" icon={Plus} disabled={!isName || typed in block.values} onClick={addNew}>
          Add variable
        </Button>
      </div>
    </div>
  )
}
