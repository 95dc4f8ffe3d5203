/** Runs one block alone, with sample inputs, and shows its log as it comes. */
import { Play, Square } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { Block, RunError, WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { parseJson } from '../document/json-text'
import { Button } from '../ui/Button'
import { ExplainButton } from '../ui/ExplainButton'
import { TextAreaField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { OutcomeView } from './OutcomeView'
import { type BlockKind, upstreamOf } from './blocks'
import { useBlockRun } from './use-block-run'
import { useEnvironment } from './use-environment'

interface Props {
  slug: string
  name: string
  block: Block
  store: DraftStore<WorkflowDocument>
  onError: (error: RunError | { message: string; position?: number } | undefined) => void
}

/** Kinds that do their work when they are run alone; of the others the expressions are evaluated. */
const runKinds: ReadonlySet<BlockKind> = new Set(['query', 'code', 'branch'])

const nothing = JSON.stringify({ trigger: { kind: 'manual', body: {} } }, null, 2)
/** What was typed, as long as the page is open, so that changing the block loses nothing. */
const typedInputs = new Map<string, string>()

export function BlockRunner({ slug, name, block, store, onError }: Props) {
  const key = `${slug} ${name}`
  const [inputs, setInputs] = useState(() => typedInputs.get(key) ?? nothing)
  const { outcome, isRunning, run: start, explain, stop } = useBlockRun(slug, onError)
  const environment = useEnvironment(slug)
  const [loadError, setLoadError] = useState<unknown>()

  const parsed = parseJson(inputs)
  const isRun = runKinds.has(block.type)
  const type = (text: string) => {
    typedInputs.set(key, text)
    setInputs(text)
  }
  const run = () => {
    if ('value' in parsed) void start(name, { document: store.getState().document, inputs: parsed.value, ...environment.given })
  }
  const explainIt = (analyze: boolean) => {
    if ('value' in parsed) void explain(name, { document: store.getState().document, inputs: (parsed.value ?? {}) as Record<string, unknown>, analyze, ...environment.given })
  }
  const takeLastRun = async () => {
    try {
      const { runs } = await dataOf(api.GET('/api/v1/workflows/{slug}/runs', { params: { path: { slug }, query: { limit: 1 } } }))
      const [last] = runs
      if (!last) throw new Error('Nothing ran yet: type inputs, or run the workflow once.')
      const detail = await dataOf(api.GET('/api/v1/runs/{id}', { params: { path: { id: last.id } } }))
      const upstream = upstreamOf(store.getState().document, name)
      const results = detail.blocks.filter((done) => upstream.has(done.block)).map((done) => [done.block, done.result] as const)
      const own = detail.blocks.find((done) => done.block === name)?.input
      type(JSON.stringify({ trigger: detail.trigger, ...Object.fromEntries(results), ...givenIn(own) }, null, 2))
      setLoadError(undefined)
    } catch (error) {
      setLoadError(error)
    }
  }
  return (
    <div className="panel-section">
      <header>
        <h3>{isRun ? 'Run this block' : 'Try its expressions'}</h3>
        <span className="row">
          <Button size="small" onClick={() => void takeLastRun()}>
            Inputs of the last run
          </Button>
          {isRunning ? (
            <Button size="small" icon={Square} onClick={stop}>
              Stop
            </Button>
          ) : (
            <>
              {block.type === 'query' ? <ExplainButton ask={block} isBusy={false} isDisabled={'error' in parsed} onExplain={explainIt} /> : null}
              <Button size="small" variant="primary" icon={Play} disabled={'error' in parsed} onClick={run}>
                {isRun ? 'Run block' : 'Evaluate'}
              </Button>
            </>
          )}
        </span>
      </header>
      <ErrorNotice error={loadError} />
      {environment.field}
      <TextAreaField label="Inputs" className="mono" rows={6} hint={block.type === 'code' ? 'Each key is a variable in the code.' : `Each key is a name in the expressions.${isRun ? '' : ' They are evaluated, and nothing else happens.'}`} error={'error' in parsed ? parsed.error : undefined} value={inputs} onChange={(event) => type(event.target.value)} />
      {outcome ? <OutcomeView outcome={outcome} isRunning={isRunning} /> : null}
    </div>
  )
}

/** What a block is given besides results: the item of a round, the variables, the error that led to it. */
function givenIn(input: unknown): Record<string, unknown> {
  if (typeof input !== 'object' || input === null) return {}
  return Object.fromEntries(Object.entries(input).filter(([name]) => ['item', 'index', 'vars', 'error'].includes(name)))
}
