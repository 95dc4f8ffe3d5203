/** The graph of a workflow, for editing and for showing where a run stands. */
import { Background, type Connection, Controls, type Edge as FlowEdge, Handle, type Node as FlowNode, type NodeProps, Position, ReactFlow, useReactFlow, ReactFlowProvider, useUpdateNodeInternals } from '@xyflow/react'
import '@xyflow/react/dist/base.css'
import { CircleAlert, CircleCheck, LoaderCircle, Zap } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import type { Block, BlockStatus, WorkflowDocument } from '../api/types'
import { toneOf } from '../ui/Badge'
import { duration } from '../ui/format'
import { type Way, kinds, nextOf, scopesOf, summaryOf, waysOf } from './blocks'
import { type LayoutResult, layOut } from './layout'
import './workflow.css'

export interface BlockMark {
  status?: BlockStatus
  durationMs?: number
  faults?: string[]
  port?: string
  /** In how many rounds and attempts it ran. */
  times?: number
}

interface Props {
  document: WorkflowDocument
  selected: string | undefined
  onSelect: (block: string | undefined) => void
  marks?: Record<string, BlockMark>
  /** Without it the graph is only looked at. */
  onConnect?: (from: string, to: string, port: Way) => void
  onRemove?: (removed: { blocks: string[]; edges: { from: string; port: Way }[] }) => void
}

/** A way out and where along the lower edge it stands, in percent. */
interface PortPlace {
  port: Way
  left: number
  isBody: boolean
}
type BlockData = { block: Block; name: string; mark: BlockMark; isEditable: boolean; ports: PortPlace[]; hasErrorEdge: boolean; width: number }
const [minWidth, maxWidth, portWidth, height] = [232, 960, 76, 58]
const [startId, failureId] = [' start', ' failure']
const nodeTypes = { block: BlockNode, start: StartNode }

export function Graph(props: Props) {
  return (
    <ReactFlowProvider>
      <Inner {...props} />
    </ReactFlowProvider>
  )
}

function Inner({ document, selected, onSelect, marks = {}, onConnect, onRemove }: Props) {
  const flow = useReactFlow()
  const [positions, setPositions] = useState<LayoutResult['positions']>({})
  const structure = JSON.stringify([Object.entries(document.blocks).map(([id, block]) => [id, widthOf(block)]), document.edges, document.start, document['on-error']])
  useEffect(() => {
    let isStale = false
    const roots = rootsOf(document)
    const nodes = [...roots.map(({ id }) => ({ id, width: 160, height: 36 })), ...Object.entries(document.blocks).map(([id, block]) => ({ id, width: widthOf(block), height }))]
    const known = (edge: { from: string; to: string }) => edge.from in document.blocks && edge.to in document.blocks
    const edges = (document.edges ?? []).filter(known).map((edge): [string, string] => [edge.from, edge.to])
    const start = roots.filter(({ to }) => to in document.blocks).map(({ id, to }): [string, string] => [id, to])
    void layOut(nodes, [...start, ...edges]).then((laidOut) => {
      if (isStale) return
      setPositions(laidOut)
      requestAnimationFrame(() => void flow.fitView({ maxZoom: 1, padding: 0.15 }))
    })
    return () => {
      isStale = true
    }
    // The layout depends on the structure alone.
  }, [structure])

  useEffect(() => {
    const fit = () => void flow.fitView({ maxZoom: 1, padding: 0.15 })
    window.addEventListener('resize', fit)
    return () => window.removeEventListener('resize', fit)
  }, [flow])

  const nodes = useMemo(() => nodesOf(document, positions, marks, selected, onConnect !== undefined), [document, positions, marks, selected, onConnect])
  const edges = useMemo(() => edgesOf(document, marks), [document, marks])
  const connect = ({ source, target, sourceHandle }: Connection) => {
    if (!isRoot(source) && target) onConnect?.(source, target, sourceHandle ?? undefined)
  }
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      nodesDraggable={false}
      nodesConnectable={onConnect !== undefined}
      elementsSelectable
      deleteKeyCode={onRemove ? ['Delete', 'Backspace'] : null}
      onNodeClick={(_, node) => onSelect(isRoot(node.id) ? undefined : node.id)}
      onPaneClick={() => onSelect(undefined)}
      onConnect={connect}
      onNodesDelete={(gone) => onRemove?.({ blocks: gone.map((node) => node.id).filter((id) => !isRoot(id)), edges: [] })}
      onEdgesDelete={(gone) => onRemove?.({ blocks: [], edges: gone.filter((edge) => !isRoot(edge.source)).map((edge) => ({ from: edge.source, port: edge.sourceHandle ?? undefined })) })}
      onNodesChange={(changes) => {
        for (const change of changes) if (change.type === 'select' && change.selected && !isRoot(change.id)) onSelect(change.id)
      }}
      minZoom={0.2}
      maxZoom={1.5}
      proOptions={{ hideAttribution: true }}
      aria-label="Blocks of the workflow"
    >
      <Background gap={20} size={1} />
      <Controls showInteractive={false} />
    </ReactFlow>
  )
}

/** Where walks begin that no block leads to. */
function rootsOf(document: WorkflowDocument): { id: string; text: string; to: string }[] {
  const triggers = Object.keys(document.triggers ?? {}).length
  const roots = [{ id: startId, text: triggers > 0 ? 'Webhook or by hand' : 'By hand', to: document.start }]
  if (document['on-error']) roots.push({ id: failureId, text: 'When a run fails', to: document['on-error'] })
  return roots
}

function isRoot(id: string): boolean {
  return id === startId || id === failureId
}

/** The ways out that are always shown; `error` has its own place at the right end. */
function shownPorts(block: Block): Way[] {
  return [...waysOf(block).filter((way) => way !== 'error'), ...scopesOf(block)]
}

function widthOf(block: Block): number {
  return Math.min(maxWidth, Math.max(minWidth, shownPorts(block).length * portWidth))
}

/** Ports spread evenly; those that lead somewhere are put in the order of where they lead, so that edges do not cross. */
function portPlaces(document: WorkflowDocument, name: string, block: Block, positions: LayoutResult['positions']): PortPlace[] {
  const ports = shownPorts(block)
  const scopes = scopesOf(block)
  const targetX = (port: Way) => {
    const to = nextOf(document, name, port)
    const [at, target] = to === undefined ? [] : [positions[to], document.blocks[to]]
    return at && target ? at.x + widthOf(target) / 2 : undefined
  }
  const used = ports.filter((port) => targetX(port) !== undefined)
  const ordered = [...used].sort((a, b) => (targetX(a) ?? 0) - (targetX(b) ?? 0))
  const inPlace = ports.map((port) => (used.includes(port) ? ordered.shift() : port))
  return inPlace.map((port, index) => ({ port, left: ((index + 1) * 100) / (ports.length + 1), isBody: port !== undefined && scopes.includes(port) }))
}

function nodesOf(document: WorkflowDocument, positions: LayoutResult['positions'], marks: Record<string, BlockMark>, selected: string | undefined, isEditable: boolean): FlowNode[] {
  const roots = rootsOf(document).flatMap(({ id, text }): FlowNode[] => {
    const position = positions[id]
    return position ? [{ id, type: 'start', position, data: { text }, selectable: false, deletable: false }] : []
  })
  if (roots.length === 0) return []
  const blocks = Object.entries(document.blocks).flatMap(([name, block]): FlowNode[] => {
    const position = positions[name]
    if (!position) return []
    const width = widthOf(block)
    const data: BlockData = { name, block, mark: marks[name] ?? {}, isEditable, ports: portPlaces(document, name, block, positions), hasErrorEdge: nextOf(document, name, 'error') !== undefined, width }
    return [{ id: name, type: 'block', position, data, selected: selected === name, deletable: isEditable, width, height, ariaLabel: `Block ${name}` }]
  })
  return [...roots, ...blocks]
}

function edgesOf(document: WorkflowDocument, marks: Record<string, BlockMark>): FlowEdge[] {
  const edges = (document.edges ?? []).flatMap((edge): FlowEdge[] => {
    const block = document.blocks[edge.from]
    if (!block || !(edge.to in document.blocks)) return []
    const isBody = edge.port != null && scopesOf(block).includes(edge.port)
    const [from, to] = [marks[edge.from], marks[edge.to]]
    const isWay = isBody || (edge.port ? from?.port === edge.port : from?.status === 'succeeded' && !from.port)
    const wasTaken = from?.status !== undefined && to?.status !== undefined && isWay
    const classes = [isBody ? 'body' : edge.port === 'error' ? 'failure' : '', wasTaken ? 'taken' : '']
    return [
      {
        id: `${edge.from} ${edge.port ?? ''}`,
        source: edge.from,
        target: edge.to,
        type: 'smoothstep',
        className: classes.filter(Boolean).join(' '),
        ...(edge.port ? { sourceHandle: edge.port, label: edge.port } : {}),
      },
    ]
  })
  const roots = rootsOf(document)
    .filter(({ to }) => to in document.blocks)
    .map(({ id, to }): FlowEdge => ({ id, source: id, target: to, type: 'smoothstep', deletable: false, selectable: false, className: `${id === failureId ? 'failure' : ''} ${marks[to]?.status ? 'taken' : ''}` }))
  return [...roots, ...edges]
}

function StartNode({ data }: NodeProps<FlowNode<{ text: string }>>) {
  return (
    <div className="flow-start">
      <Zap className="icon" size={14} strokeWidth={1.5} aria-hidden />
      {data.text}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  )
}

function BlockNode({ data, selected }: NodeProps<FlowNode<BlockData>>) {
  const { name, block, mark, isEditable, ports, hasErrorEdge, width } = data
  const update = useUpdateNodeInternals()
  const places = JSON.stringify([ports, width])
  // Edges end where the handles were measured, so moved ones are measured again.
  useEffect(() => update(name), [places, name, update])
  const Icon = kinds[block.type].icon
  const hasFault = (mark.faults?.length ?? 0) > 0
  return (
    <div style={{ width }} className={`flow-block ${mark.status ? toneOf(mark.status) : ''} ${selected ? 'selected' : ''} ${hasFault ? 'faulty' : ''}`} title={mark.faults?.join('\n')}>
      <Handle type="target" position={Position.Top} isConnectable={isEditable} />
      <span className={`flow-icon ${block.type}`}>
        <Icon className="icon" strokeWidth={1.5} aria-hidden />
      </span>
      <span className="grow">
        <strong className="truncate">{name}</strong>
        <span className="truncate muted">{mark.faults?.[0] ?? summaryOf(block)}</span>
      </span>
      <span className="flow-mark">
        {hasFault ? <CircleAlert className="icon" aria-label="Has a fault" /> : null}
        {mark.status === 'running' ? <LoaderCircle className="icon turning" aria-label="Running" /> : null}
        {mark.status === 'succeeded' ? <CircleCheck className="icon" aria-label="Succeeded" /> : null}
        {mark.status === 'failed' || mark.status === 'outcome-unknown' ? <CircleAlert className="icon" aria-label="Failed" /> : null}
        {mark.times !== undefined && mark.times > 1 ? <span className="numeric">×{mark.times.toLocaleString('en')}</span> : null}
        {mark.durationMs === undefined ? null : <span className="numeric">{duration(mark.durationMs)}</span>}
      </span>
      {ports.map(({ port, left, isBody }) => (
        <Handle key={port ?? ''} type="source" {...(port ? { id: port, title: port } : {})} position={Position.Bottom} style={{ left: `${left}%` }} className={isBody ? 'port-body' : `port-${port ?? 'plain'}`} isConnectable={isEditable} />
      ))}
      {waysOf(block).includes('error') ? <Handle type="source" id="error" title="error" position={Position.Bottom} className={`port-error ${hasErrorEdge ? 'used' : ''}`} isConnectable={isEditable} /> : null}
    </div>
  )
}
