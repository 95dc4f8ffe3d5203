/** The graph of a workflow, for editing and for showing where a run stands. */
import { Background, type Connection, Controls, type Edge as FlowEdge, Handle, type Node as FlowNode, type NodeProps, Position, ReactFlow, useReactFlow, ReactFlowProvider } from '@xyflow/react'
import '@xyflow/react/dist/base.css'
import { CircleAlert, CircleCheck, LoaderCircle, Zap } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import type { Block, BlockStatus, WorkflowDocument } from '../api/types'
import { toneOf } from '../ui/Badge'
import { duration } from '../ui/format'
import { kinds, summaryOf } from './blocks'
import { type LayoutResult, layOut } from './layout'
import './workflow.css'

export interface BlockMark {
  status?: BlockStatus
  durationMs?: number
  faults?: string[]
  port?: string
}

interface Props {
  document: WorkflowDocument
  selected: string | undefined
  onSelect: (block: string | undefined) => void
  marks?: Record<string, BlockMark>
  /** Without it the graph is only looked at. */
  onConnect?: (from: string, to: string, port: 'true' | 'false' | undefined) => void
  onRemove?: (removed: { blocks: string[]; edges: { from: string; port: 'true' | 'false' | undefined }[] }) => void
}

/** `isFlipped`: what follows by false stands left of what follows by true, so that their edges do not cross. */
type BlockData = { block: Block; name: string; mark: BlockMark; isEditable: boolean; isFlipped: boolean }
const [width, height] = [232, 58]
const startId = ' start'
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
  const structure = JSON.stringify([Object.keys(document.blocks), document.edges, document.start])
  useEffect(() => {
    let isStale = false
    const nodes = [{ id: startId, width: 160, height: 36 }, ...Object.keys(document.blocks).map((id) => ({ id, width, height }))]
    const known = (edge: { from: string; to: string }) => edge.from in document.blocks && edge.to in document.blocks
    const edges = (document.edges ?? []).filter(known).map((edge): [string, string] => [edge.from, edge.to])
    const start: [string, string][] = document.start in document.blocks ? [[startId, document.start]] : []
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
    if (source !== startId && target) onConnect?.(source, target, sourceHandle === 'true' || sourceHandle === 'false' ? sourceHandle : undefined)
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
      onNodeClick={(_, node) => onSelect(node.id === startId ? undefined : node.id)}
      onPaneClick={() => onSelect(undefined)}
      onConnect={connect}
      onNodesDelete={(gone) => onRemove?.({ blocks: gone.map((node) => node.id).filter((id) => id !== startId), edges: [] })}
      onEdgesDelete={(gone) => onRemove?.({ blocks: [], edges: gone.filter((edge) => edge.source !== startId).map((edge) => ({ from: edge.source, port: portOf(edge.sourceHandle) })) })}
      onNodesChange={(changes) => {
        for (const change of changes) if (change.type === 'select' && change.selected && change.id !== startId) onSelect(change.id)
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

function portOf(handle: string | null | undefined): 'true' | 'false' | undefined {
  return handle === 'true' || handle === 'false' ? handle : undefined
}

function nodesOf(document: WorkflowDocument, positions: LayoutResult['positions'], marks: Record<string, BlockMark>, selected: string | undefined, isEditable: boolean): FlowNode[] {
  if (!positions[startId]) return []
  const triggers = Object.keys(document.triggers ?? {}).length
  const start: FlowNode = { id: startId, type: 'start', position: positions[startId], data: { text: triggers > 0 ? 'Webhook or by hand' : 'By hand' }, selectable: false, deletable: false }
  const blocks = Object.entries(document.blocks).flatMap(([name, block]): FlowNode[] => {
    const position = positions[name]
    if (!position) return []
    const leftOf = (port: string) => positions[(document.edges ?? []).find((edge) => edge.from === name && edge.port === port)?.to ?? '']?.x
    const isFlipped = (leftOf('false') ?? Number.POSITIVE_INFINITY) < (leftOf('true') ?? Number.NEGATIVE_INFINITY)
    const data: BlockData = { name, block, mark: marks[name] ?? {}, isEditable, isFlipped }
    return [{ id: name, type: 'block', position, data, selected: selected === name, deletable: isEditable, width, height, ariaLabel: `Block ${name}` }]
  })
  return [start, ...blocks]
}

function edgesOf(document: WorkflowDocument, marks: Record<string, BlockMark>): FlowEdge[] {
  const known = (document.edges ?? []).filter((edge) => edge.from in document.blocks && edge.to in document.blocks)
  const edges = known.map((edge): FlowEdge => {
    const wasTaken = marks[edge.to]?.status !== undefined && marks[edge.from]?.status === 'succeeded' && (!edge.port || marks[edge.from]?.port === edge.port)
    return {
      id: `${edge.from} ${edge.port ?? ''}`,
      source: edge.from,
      target: edge.to,
      type: 'smoothstep',
      className: wasTaken ? 'taken' : '',
      ...(edge.port ? { sourceHandle: edge.port, label: edge.port } : {}),
    }
  })
  const start: FlowEdge[] = document.start in document.blocks ? [{ id: startId, source: startId, target: document.start, type: 'smoothstep', deletable: false, selectable: false, className: marks[document.start]?.status ? 'taken' : '' }] : []
  return [...start, ...edges]
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
  const { name, block, mark, isEditable, isFlipped } = data
  const Icon = kinds[block.type].icon
  const hasFault = (mark.faults?.length ?? 0) > 0
  return (
    <div className={`flow-block ${isFlipped ? 'flipped' : ''} ${mark.status ? toneOf(mark.status) : ''} ${selected ? 'selected' : ''} ${hasFault ? 'faulty' : ''}`} title={mark.faults?.join('\n')}>
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
        {mark.durationMs === undefined ? null : <span className="numeric">{duration(mark.durationMs)}</span>}
      </span>
      {block.type === 'branch' ? (
        <>
          <Handle type="source" id="true" position={Position.Bottom} className="port-true" isConnectable={isEditable} />
          <Handle type="source" id="false" position={Position.Bottom} className="port-false" isConnectable={isEditable} />
        </>
      ) : (
        <Handle type="source" position={Position.Bottom} isConnectable={isEditable} />
      )}
    </div>
  )
}
