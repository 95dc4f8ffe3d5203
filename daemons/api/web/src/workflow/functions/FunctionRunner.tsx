/** Tries out a function: a block that calls it is run alone. */
import { Play, Square } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import type { WorkflowDocument, WorkflowFunction } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { parseJson } from '../../document/json-text'
import { Button } from '../../ui/Button'
import { TextAreaField } from '../../ui/Field'
import { OutcomeView } from '../OutcomeView'
import { useBlockRun } from '../use-block-run'
import { trialName, trialOf } from './calls'

interface Props {
  slug: string
  name: string
  one: WorkflowFunction
  store: DraftStore<WorkflowDocument>
}

/** What was typed, as long as the page is open. */
const typedArguments = new Map<string, string>()

export function FunctionRunner({ slug, name, one, store }: Props) {
  const key = `${slug} ${name}`
  const parameters = one.parameters ?? []
  const [typed, setTyped] = useState(typedArguments.get(key))
  const text = typed ?? JSON.stringify(Object.fromEntries(parameters.map((parameter) => [parameter, null])), null, 2)
  const { outcome, isRunning, run, stop } = useBlockRun(slug)
  const isSaved = useStore(store, (state) => state.document.functions === state.saved.functions)
  const parsed = parseJson(text)
  const start = () => {
    const { document } = store.getState()
    const trial = trialName(document)
    if ('value' in parsed) void run(trial, { document: { ...document, blocks: { ...document.blocks, [trial]: trialOf(name, one) } }, inputs: parsed.value ?? {} })
  }
  return (
    <div className="stack">
      <TextAreaField
        label="Try it with"
        className="mono"
        rows={Math.min(6, parameters.length + 2)}
        hint={isSaved ? 'Its parameters, as JSON. It does what it does in a run.' : 'Queries are run as they were saved last: save first to try out a change of one.'}
        error={'error' in parsed ? parsed.error : undefined}
        value={text}
        onChange={({ target }) => {
          typedArguments.set(key, target.value)
          setTyped(target.value)
        }}
      />
      <div>
        {isRunning ? (
          <Button size="small" icon={Square} onClick={stop}>
            Stop
          </Button>
        ) : (
          <Button size="small" icon={Play} label={`Run ${name}`} disabled={'error' in parsed} onClick={start}>
            Run function
          </Button>
        )}
      </div>
      {outcome ? <OutcomeView outcome={outcome} isRunning={isRunning} /> : null}
    </div>
  )
}
