/** One run: the graph coloured by where it stands, and each block's input, output, log and time. It follows the run live. */
import { type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, getRouteApi } from '@tanstack/react-router'
import { Ban, RotateCw } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { api, dataOf } from '../api/client'
import type { BlockRun, LogLine, RunDetail, RunSummary, WorkflowDocument } from '../api/types'
import { StatusBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { JsonView } from '../ui/JsonView'
import { RelativeTime, bytes, duration } from '../ui/format'
import { ask } from '../ui/ask'
import { ErrorState, Loaded, SkeletonRows } from '../ui/states'
import { type BlockMark, Graph } from './Graph'
import { OpenQuestion } from './OpenQuestion'
import { RunDialog } from './RunDialog'
import { Rounds, durationText, roundCount, roundKey, useRounds, wallMs } from './Rounds'
import { LogView, RunErrorView } from './RunParts'
import { loopDepth } from './blocks'
import { startedBy, waitingBlock, waitingKind, waitingText } from './waiting'
import './workflow.css'

const route = getRouteApi('/frame/workflows/$slug/runs/$run')

/** Hears of every change of an unfinished run that has been loaded: word that comes during the first load would be lost with it. */
function useLiveRun(id: string, isUnfinished: boolean): void {
  const queryClient = useQueryClient()
  useEffect(() => {
    if (!isUnfinished) return
    const refresh = () => void queryClient.invalidateQueries({ queryKey: ['run', id] })
    const events = new EventSource(`/api/v1/runs/${id}/events`)
    events.addEventListener('changed', refresh)
    events.addEventListener('end', () => {
      events.close()
      refresh()
    })
    return () => events.close()
  }, [id, isUnfinished, queryClient])
}

export function RunPage() {
  const { run: id } = route.useParams()
  const detail = useQuery({ queryKey: ['run', id, 'detail'], queryFn: () => dataOf(api.GET('/api/v1/runs/{id}', { params: { path: { id } } })) })
  const logs = useQuery({ queryKey: ['run', id, 'logs'], queryFn: async () => (await dataOf(api.GET('/api/v1/runs/{id}/logs', { params: { path: { id } } }))).lines })
  useLiveRun(id, detail.isSuccess && !detail.data.run.finished_at)
  if (detail.isPending) return <SkeletonRows />
  if (detail.isError) return <ErrorState error={detail.error} onRetry={() => void detail.refetch()} />
  return <Shown detail={detail.data} logs={logs} />
}

type Logs = UseQueryResult<LogLine[]>

function Shown({ detail, logs }: { detail: RunDetail; logs: Logs }) {
  const { run } = detail
  const [chosen, setChosen] = useState<string>()
  const [runsAgain, setRunsAgain] = useState(false)
  // A block that failed and was caught is not what ended the run.
  const selected = chosen ?? run.error?.block ?? waitingBlock(run) ?? detail.blocks.at(-1)?.block
  const block = detail.blocks.find((candidate) => candidate.block === selected)
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    const [box, row] = [list.current, list.current?.querySelector('[aria-pressed=true]')]
    if (!box || !row) return
    // Only the list scrolls: the page stays where it is read.
    const [outer, inner] = [box.getBoundingClientRect(), row.getBoundingClientRect()]
    if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top
    else if (inner.bottom > outer.bottom) box.scrollTop += inner.bottom - outer.bottom
  }, [selected])
  const marks = useMemo(() => Object.fromEntries(detail.blocks.map((done) => [done.block, markOf(done, detail)])), [detail])
  const cancelRun = async () => {
    if (await ask({ title: 'Cancel this run?', text: 'It ends where it is. What its blocks have done so far stays done.', confirm: 'Cancel run', isDanger: true })) cancel.mutate()
  }
  const cancel = useMutation({ mutationFn: () => api.POST('/api/v1/runs/{id}/cancel', { params: { path: { id: run.id } }, headers: { 'content-type': 'application/json' } }) })
  return (
    <div className="workflow">
      <header className="page-head">
        <div className="row">
          <Link to="/workflows/$slug" params={{ slug: run.workflow }} search={{ tab: 'runs' }} className="crumb">
            {run.workflow_title}
          </Link>
          <span className="crumb" aria-hidden>
            /
          </span>
          <h1>Run</h1>
          <StatusBadge status={run.status} />
        </div>
        <div className="tools">
          {run.finished_at ? (
            <Button icon={RotateCw} onClick={() => setRunsAgain(true)}>
              Run again
            </Button>
          ) : (
            <Button icon={Ban} isBusy={cancel.isPending} onClick={() => void cancelRun()}>
              Cancel run
            </Button>
          )}
          <Link className="button" to="/workflows/$slug" params={{ slug: run.workflow }} search={{}}>
            Open workflow
          </Link>
        </div>
      </header>
      {runsAgain ? <RunDialog slug={run.workflow} isDraftNewer={false} again={{ run: run.id, body: bodyOf(detail.trigger) }} onClose={() => setRunsAgain(false)} /> : null}
      <div className="panel-section run-facts">
        <Facts detail={detail} />
        {run.error && !run.error.block ? <RunErrorView error={run.error} /> : null}
        {waitingKind(run) === 'approval' ? <OpenQuestion run={run.id} /> : null}
      </div>
      <div className="workflow-main">
        <div className="workflow-graph">
          <Graph document={detail.document} selected={selected} onSelect={(name) => setChosen(name)} marks={marks} />
        </div>
        <aside className="panel" aria-label="Blocks of the run">
          <ul ref={list} className="block-list run-blocks" aria-label="Blocks that began">
            {detail.blocks.map((done) => (
              <li key={done.block}>
                <button type="button" aria-pressed={done.block === selected} onClick={() => setChosen(done.block)}>
                  <strong className="grow truncate">{done.block}</strong>
                  <StatusBadge status={statusOf(done, run)} />
                  <span className="numeric muted">{durationText(done)}</span>
                </button>
              </li>
            ))}
          </ul>
          {block ? <BlockRounds key={block.block} detail={detail} block={block} logs={logs} /> : <p className="panel-section muted">{selected ? 'This block has not run.' : 'No block has begun yet.'}</p>}
        </aside>
      </div>
    </div>
  )
}

function bodyOf(trigger: unknown): unknown {
  return typeof trigger === 'object' && trigger !== null && 'body' in trigger ? trigger.body : null
}

/** Where a block stands: one that the run waits for waits, although it has begun. */
function statusOf(block: BlockRun, run: RunSummary): BlockRun['status'] | 'waiting' {
  return block.status === 'running' && waitingBlock(run) === block.block ? 'waiting' : block.status
}

/** Of a loop: how many indices the loop as a whole has. */
function wholeDepthOf(block: string, document: WorkflowDocument): number | undefined {
  return document.blocks[block]?.type === 'loop' ? loopDepth(document, block) : undefined
}

function markOf(block: BlockRun, { run, document }: RunDetail): BlockMark {
  const ms = wallMs(block)
  return { status: statusOf(block, run), times: roundCount(block, wholeDepthOf(block.block, document)), ...(ms === undefined ? {} : { durationMs: ms }), ...(block.port ? { port: block.port } : {}) }
}

function Facts({ detail: { run, response } }: { detail: RunDetail }) {
  const facts: [string, React.ReactNode][] = [
    ['Started', <RelativeTime key="started" at={run.started_at ?? run.created_at} />],
    ['Duration', run.finished_at ? duration(new Date(run.finished_at).getTime() - new Date(run.started_at ?? run.created_at).getTime()) : 'Under way'],
    ['Started by', startedBy(run.trigger_kind)],
    ['Version', run.version],
  ]
  const waits = run.status === 'waiting' ? waitingText(run.waiting_for) : undefined
  if (waits) facts.push(['Waiting', waits])
  if (run.parent) facts.push(['Parent', <ParentRun key="parent" id={run.parent} />])
  if (response) facts.push(['Answered', `${response.status}`])
  return (
    <dl className="facts">
      {facts.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** The run that started this one. Its address has its workflow in it, which only the run itself tells. */
function ParentRun({ id }: { id: string }) {
  const parent = useQuery({ queryKey: ['run', id, 'detail'], retry: false, queryFn: () => dataOf(api.GET('/api/v1/runs/{id}', { params: { path: { id } } })) })
  if (!parent.data) return parent.isError ? 'A run that you may not see' : '…'
  const { workflow, workflow_title: title } = parent.data.run
  return (
    <Link to="/workflows/$slug/runs/$run" params={{ slug: workflow, run: id }}>
      Run of {title}
    </Link>
  )
}

/** A block that ran more than once shows the round that is chosen, at first the last one that began. */
function BlockRounds({ detail, block, logs }: { detail: RunDetail; block: BlockRun; logs: Logs }) {
  const [chosen, setChosen] = useState<BlockRun>()
  const rounds = useRounds(detail.run.id, block)
  const wholeDepth = wholeDepthOf(block.block, detail.document)
  const known = rounds.data?.pages.flatMap((page) => page.rounds) ?? []
  // The chosen round as it stands now. A loop shows itself as a whole first.
  const current = chosen ? known.find((round) => roundKey(round) === roundKey(chosen)) : known.find((round) => round.iteration.length === wholeDepth)
  const shown = current ?? chosen ?? block
  return (
    <>
      {block.times > 1 ? <Rounds rounds={rounds} block={block} wholeDepth={wholeDepth} selected={roundKey(shown)} onSelect={setChosen} /> : null}
      <BlockDetail block={shown} />
      <BlockLog block={block} logs={logs} />
    </>
  )
}

function BlockLog({ block, logs }: { block: BlockRun; logs: Logs }) {
  return (
    <section className="panel-section">
      <header>
        <h3>Log</h3>
        {block.times > 1 ? <span className="muted">Of all rounds and attempts</span> : null}
      </header>
      <Loaded query={logs}>
        {(all) => {
          const lines = all.filter((line) => line.block === block.block)
          return lines.length > 0 ? <LogView lines={lines} /> : <p className="muted">It logged nothing.</p>
        }}
      </Loaded>
    </section>
  )
}

function BlockDetail({ block }: { block: BlockRun }) {
  // Until then the result is a note that the block keeps for itself.
  const hasEnded = block.status !== 'running'
  return (
    <>
      {block.error ? (
        <div className="panel-section">
          <RunErrorView error={block.error} />
        </div>
      ) : null}
      <section className="panel-section">
        <header>
          <h3>Output</h3>
          {hasEnded && block.usage ? (
            <span className="muted">
              {duration(block.usage.cpu_ms)} processor · {bytes(block.usage.peak_memory_bytes)}
            </span>
          ) : null}
        </header>
        {block.port ? (
          <p>
            Left by <strong>{block.port}</strong>.
          </p>
        ) : null}
        {hasEnded ? (
          <div className="output" tabIndex={0} role="group" aria-label="Output">
            <JsonView value={block.result} />
          </div>
        ) : (
          <p className="muted">It has not ended yet.</p>
        )}
      </section>
      <section className="panel-section">
        <h3>Input</h3>
        <div className="output" tabIndex={0} role="group" aria-label="Input">
          <JsonView value={block.input} />
        </div>
      </section>
    </>
  )
}
