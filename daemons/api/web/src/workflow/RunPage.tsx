/** One run: the graph coloured by where it stands, and each block's input, output, log and time. It follows the run live. */
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, getRouteApi } from '@tanstack/react-router'
import { RotateCw, StepForward } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { api, dataOf } from '../api/client'
import type { BlockRun, LogLine, RunDetail, RunSummary, WorkflowDocument } from '../api/types'
import { PageHead } from '../studio/PageHead'
import { RunBadge, StatusBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { JsonView } from '../ui/JsonView'
import { bytes, duration } from '../ui/format'
import { ErrorState, Loaded, SkeletonRows } from '../ui/states'
import { type BlockMark, Graph } from './Graph'
import { OpenEvent } from './OpenEvent'
import { OpenQuestion } from './OpenQuestion'
import { OutcomeNotice, OutcomePanel } from './OutcomePanel'
import { RunControls } from './RunControls'
import { RunDialog } from './RunDialog'
import { Facts, QueuedNotice } from './RunFacts'
import { Rounds, durationText, roundCount, roundKey, useRounds, wallMs } from './Rounds'
import { LogView, RunErrorView } from './RunParts'
import { useAskedRound } from './asked-round'
import { kinds, loopDepth, outermostOwner } from './blocks'
import { awaitedEvent, waitingBlock, waitingKind } from './waiting'
import './workflow.css'

/** The place in the queue changes without word of it. */
const queuedMs = 3000
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
  const detail = useQuery({ queryKey: ['run', id, 'detail'], queryFn: () => dataOf(api.GET('/api/v1/runs/{id}', { params: { path: { id } } })), refetchInterval: ({ state }) => (state.data?.queued ? queuedMs : false) })
  const logs = useQuery({ queryKey: ['run', id, 'logs'], queryFn: async () => (await dataOf(api.GET('/api/v1/runs/{id}/logs', { params: { path: { id } } }))).lines })
  useLiveRun(id, detail.isSuccess && !detail.data.run.finished_at)
  if (detail.isSuccess) return <Shown detail={detail.data} logs={logs} />
  return (
    <>
      <PageHead title="Run" parent={{ to: '/runs', text: 'Runs' }} />
      {detail.isError ? <ErrorState error={detail.error} onRetry={() => void detail.refetch()} /> : <SkeletonRows />}
    </>
  )
}

type Logs = UseQueryResult<LogLine[]>

function Shown({ detail, logs }: { detail: RunDetail; logs: Logs }) {
  const { run } = detail
  const [chosen, setChosen] = useState<string>()
  // From the start, or from a block on.
  const [again, setAgain] = useState<{ from?: string }>()
  const waits = waitingBlock(run)
  const event = waitingKind(run) === 'event' ? awaitedEvent(run.waiting_for) : undefined
  // A block that failed and was caught is not what ended the run.
  const selected = chosen ?? run.error?.block ?? waits ?? detail.blocks.at(-1)?.block
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
  // How often somebody was led to the question: whichever round was chosen before, it is shown.
  const [led, setLed] = useState(0)
  const showOutcome = (name: string) => {
    flushSync(() => {
      setChosen(name)
      setLed(led + 1)
    })
    document.querySelector('#outcome')?.scrollIntoView({ block: 'center' })
    document.querySelector<HTMLElement>('#outcome input')?.focus({ preventScroll: true })
  }
  const marks = useMemo(() => Object.fromEntries(detail.blocks.map((done) => [done.block, markOf(done, detail)])), [detail])
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
          <RunBadge run={run} />
        </div>
        <div className="tools">
          {run.finished_at ? (
            <Button icon={RotateCw} onClick={() => setAgain({})}>
              Run again
            </Button>
          ) : (
            <RunControls run={run} />
          )}
          <Link className="button" to="/workflows/$slug" params={{ slug: run.workflow }} search={{}}>
            Open workflow
          </Link>
        </div>
      </header>
      {again ? <RunDialog slug={run.workflow} isDraftNewer={false} again={{ run: run.id, version: run.version, body: bodyOf(detail.trigger), ...again }} onClose={() => setAgain(undefined)} /> : null}
      <div className="panel-section run-facts">
        <Facts detail={detail} />
        {detail.queued ? <QueuedNotice queued={detail.queued} slug={run.workflow} /> : null}
        {run.error && !run.error.block ? <RunErrorView error={run.error} /> : null}
        {event ? <OpenEvent slug={run.workflow} event={event} /> : null}
        {waitingKind(run) === 'approval' ? <OpenQuestion run={run.id} /> : null}
        {waitingKind(run) === 'outcome-unknown' && waits ? <OutcomeNotice block={waits} onShow={() => showOutcome(waits)} /> : null}
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
          {block ? <BlockRounds key={`${block.block} ${led}`} detail={detail} block={block} logs={logs} onAgain={() => setAgain({ from: block.block })} /> : <p className="panel-section muted">{selected ? 'This block has not run.' : 'No block has begun yet.'}</p>}
        </aside>
      </div>
    </div>
  )
}

function bodyOf(trigger: unknown): unknown {
  return typeof trigger === 'object' && trigger !== null && 'body' in trigger ? trigger.body : null
}

/** Where a block stands: one that the run waits for waits, although it has begun, or later rounds of it have ended. */
function statusOf(block: BlockRun, run: RunSummary): BlockRun['status'] | 'waiting' {
  if (waitingBlock(run) === block.block && waitingKind(run) === 'outcome-unknown') return 'outcome-unknown'
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

/** A block that ran more than once shows the round that is chosen, at first the last one that began. */
function BlockRounds({ detail, block, logs, onAgain }: { detail: RunDetail; block: BlockRun; logs: Logs; onAgain: () => void }) {
  const [chosen, setChosen] = useState<BlockRun>()
  const rounds = useRounds(detail.run.id, block)
  const wholeDepth = wholeDepthOf(block.block, detail.document)
  const known = rounds.data?.pages.flatMap((page) => page.rounds) ?? []
  // The chosen round as it stands now. One that somebody has to choose about comes first; a loop shows itself as a whole.
  const { round: asked, loading } = useAskedRound(detail, block, rounds)
  const current = chosen ? known.find((round) => roundKey(round) === roundKey(chosen)) : (asked ?? known.find((round) => round.iteration.length === wholeDepth))
  const shown = current ?? chosen ?? block
  const type = detail.document.blocks[block.block]?.type
  const isPlaceToBegin = detail.run.finished_at && outermostOwner(detail.document, block.block) === undefined
  return (
    <>
      <div className="panel-head">
        <h2 className="truncate">{block.block}</h2>
        {type ? <span className="muted nowrap">{kinds[type].text}</span> : null}
        {isPlaceToBegin ? (
          <Button className="push" size="small" icon={StepForward} onClick={onAgain}>
            Run again from here
          </Button>
        ) : null}
      </div>
      <OutcomePanel key={roundKey(shown)} detail={detail} round={shown} />
      {block.times > 1 ? <Rounds rounds={rounds} block={block} wholeDepth={wholeDepth} selected={roundKey(shown)} onSelect={setChosen} /> : null}
      {loading && shown === asked ? <Loaded query={loading}>{() => <p className="panel-section muted">Nothing is kept of this round.</p>}</Loaded> : <BlockDetail block={shown} />}
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
