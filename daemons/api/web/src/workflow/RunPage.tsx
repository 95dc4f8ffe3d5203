/** One run: the graph coloured by where it stands, and each block's input, output, log and time. It follows the run live. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, getRouteApi } from '@tanstack/react-router'
import { Ban } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { api, dataOf } from '../api/client'
import type { BlockRun, LogLine, RunDetail } from '../api/types'
import { StatusBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { JsonView } from '../ui/JsonView'
import { RelativeTime, bytes, duration } from '../ui/format'
import { ErrorState, SkeletonRows } from '../ui/states'
import { type BlockMark, Graph } from './Graph'
import { Rounds, durationText, roundKey, wallMs } from './Rounds'
import { LogView, RunErrorView } from './RunParts'
import { startedBy, waitingText } from './waiting'
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
  return <Shown detail={detail.data} lines={logs.data ?? []} />
}

function Shown({ detail, lines }: { detail: RunDetail; lines: LogLine[] }) {
  const { run } = detail
  const [chosen, setChosen] = useState<string>()
  const failed = detail.blocks.find((block) => block.status === 'failed' || block.status === 'outcome-unknown')
  const selected = chosen ?? failed?.block ?? detail.blocks.at(-1)?.block
  const block = detail.blocks.find((candidate) => candidate.block === selected)
  const marks = useMemo(() => Object.fromEntries(detail.blocks.map((done) => [done.block, markOf(done)])), [detail.blocks])
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
          {run.finished_at ? null : (
            <Button icon={Ban} isBusy={cancel.isPending} onClick={() => cancel.mutate()}>
              Cancel run
            </Button>
          )}
          <Link className="button" to="/workflows/$slug" params={{ slug: run.workflow }} search={{}}>
            Open workflow
          </Link>
        </div>
      </header>
      <div className="panel-section">
        <Facts detail={detail} />
        {run.error && !run.error.block ? <RunErrorView error={run.error} /> : null}
      </div>
      <div className="workflow-main">
        <div className="workflow-graph">
          <Graph document={detail.document} selected={selected} onSelect={(name) => setChosen(name)} marks={marks} />
        </div>
        <aside className="panel" aria-label="Blocks of the run">
          <ul className="block-list">
            {detail.blocks.map((done) => (
              <li key={done.block}>
                <button type="button" aria-pressed={done.block === selected} onClick={() => setChosen(done.block)}>
                  <strong className="grow truncate">{done.block}</strong>
                  <StatusBadge status={done.status} />
                  <span className="numeric muted">{durationText(done)}</span>
                </button>
              </li>
            ))}
          </ul>
          {block ? <BlockRounds key={block.block} run={run.id} block={block} lines={lines.filter((line) => line.block === block.block)} /> : <p className="panel-section muted">{selected ? 'This block has not run.' : 'No block has begun yet.'}</p>}
        </aside>
      </div>
    </div>
  )
}

function markOf(block: BlockRun): BlockMark {
  const ms = wallMs(block)
  return { status: block.status, times: block.times, ...(ms === undefined ? {} : { durationMs: ms }), ...(block.port ? { port: block.port } : {}) }
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
function BlockRounds({ run, block, lines }: { run: string; block: BlockRun; lines: LogLine[] }) {
  const [chosen, setChosen] = useState<BlockRun>()
  const shown = chosen ?? block
  return (
    <>
      {block.times > 1 ? <Rounds run={run} block={block} selected={roundKey(shown)} onSelect={setChosen} /> : null}
      <BlockDetail block={shown} lines={lines} />
    </>
  )
}

function BlockDetail({ block, lines }: { block: BlockRun; lines: LogLine[] }) {
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
          {block.usage ? (
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
        <div className="output" tabIndex={0} role="group" aria-label="Output">
          <JsonView value={block.result} />
        </div>
      </section>
      <section className="panel-section">
        <h3>Input</h3>
        <div className="output" tabIndex={0} role="group" aria-label="Input">
          <JsonView value={block.input} />
        </div>
      </section>
      <section className="panel-section">
        <h3>Log</h3>
        {lines.length > 0 ? <LogView lines={lines} /> : <p className="muted">It logged nothing.</p>}
      </section>
    </>
  )
}
