/** The graph of a workflow, for editing and for showing where a run stands. */
import { Background, type Connection, Controls, type Edge as FlowEdge, Handle, type Node as FlowNode, type NodeProps, Position, ReactFlow, useReactFlow, ReactFlowProvider, useUpdateNodeInternals } from '@xyflow/react'
import '@xyflow/react/dist/base.css'
import { CircleAlert, CircleCheck, Hourglass, LoaderCircle, Zap } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Block, BlockStatus, WorkflowDocument } from '../api/types'
import { toneOf } from '../ui/Badge'
import { duration } from '../ui/format'
import { type Way, kinds, nextOf, scopesOf, summaryOf, waysOf } from './blocks'
import { type LayoutResult, layOut } from './layout'
import './workflow.css'

export interface BlockMark {
  /** Waiting is what a block does that runs and that the run waits for. */
  status?: BlockStatus | 'waiting'
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
const [rootWidth, rootHeight] = [160, 36]
/** The id of the handle of the plain way out: no port is called so. */
const plainHandle = ' next'
const wayOf = (handle: string | null | undefined): Way => (handle === plainHandle ? undefined : (handle ?? undefined))
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
    const nodes = [...roots.map(({ id }) => ({ id, width: rootWidth, height: rootHeight })), ...Object.entries(document.blocks).map(([id, block]) => ({ id, width: widthOf(block), height }))]
    const known = (edge: { from: string; to: string }) => edge.from in document.blocks && edge.to in document.blocks
    const edges = (document.edges ?? []).filter(known).map((edge): [string, string] => [edge.from, edge.to])
    const start = roots.filter(({ to }) => to in document.blocks).map(({ id, to }): [string, string] => [id, to])
    void layOut(nodes, [...start, ...edges]).then((laidOut) => {
      if (isStale) return
      setPositions(laidOut)
    })
    return () => {
      isStale = true
    }
    // The layout depends on the structure alone.
  }, [structure])

  const host = useRef<HTMLDivElement>(null)
  const isPlaced = useRef(false)
  const [resized, setResized] = useState(0)
  useEffect(() => {
    const resize = () => {
      isPlaced.current = false
      setResized((times) => times + 1)
    }
    window.addEventListener('resize', resize)
    return () => window.removeEventListener('resize', resize)
  }, [])
  useEffect(() => {
    const size = host.current?.getBoundingClientRect()
    const rects = rectsOf(document, positions)
    if (!size || rects.size === 0) return
    // A small graph is shown whole; a large one stays as it is looked at.
    const whole = wholeView([...rects.values()], size)
    if (whole.zoom >= readableZoom) void flow.setViewport(whole)
    else if (!isPlaced.current) void flow.setViewport(startView(rects, size))
    isPlaced.current = true
    // Where the blocks stand decides; the document as it is typed does not.
  }, [positions, resized])
  useEffect(() => {
    const size = host.current?.getBoundingClientRect()
    const rects = rectsOf(document, positions)
    const rect = selected === undefined ? undefined : rects.get(selected)
    if (size && rect && !isInSight(rect, flow.getViewport(), size)) void flow.setCenter(rect.x + rect.width / 2, rect.y + rect.height / 2, { zoom: Math.max(readableZoom, flow.getZoom()) })
    // What is selected elsewhere is brought into sight.
  }, [positions, selected, resized])

  const nodes = useMemo(() => nodesOf(document, positions, marks, selected, onConnect !== undefined), [document, positions, marks, selected, onConnect])
  const edges = useMemo(() => edgesOf(document, marks), [document, marks])
  const connect = ({ source, target, sourceHandle }: Connection) => {
    if (!isRoot(source) && target) onConnect?.(source, target, wayOf(sourceHandle))
  }
  return (
    <ReactFlow
      ref={host}
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
      onEdgesDelete={(gone) => onRemove?.({ blocks: [], edges: gone.filter((edge) => !isRoot(edge.source)).map((edge) => ({ from: edge.source, port: wayOf(edge.sourceHandle) })) })}
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

interface Rect {
  x: number
  y: number
  width: number
  height: number
}

/** Below it the text of a block cannot be read. */
const readableZoom = 0.75
/** Free at the edges; above, the buttons that add blocks are in the way. */
const [margin, topMargin] = [24, 56]

function rectsOf(document: WorkflowDocument, positions: LayoutResult['positions']): Map<string, Rect> {
  const sizes: [string, number, number][] = [...rootsOf(document).map(({ id }): [string, number, number] => [id, rootWidth, rootHeight]), ...Object.entries(document.blocks).map(([name, block]): [string, number, number] => [name, widthOf(block), height])]
  return new Map(
    sizes.flatMap(([id, width, tall]): [string, Rect][] => {
      const position = positions[id]
      return position ? [[id, { ...position, width, height: tall }]] : []
    }),
  )
}

/** Everything, in the middle. */
function wholeView(rects: Rect[], size: DOMRect): { x: number; y: number; zoom: number } {
  const [left, top] = [Math.min(...rects.map(({ x }) => x)), Math.min(...rects.map(({ y }) => y))]
  const [right, bottom] = [Math.max(...rects.map((rect) => rect.x + rect.width)), Math.max(...rects.map((rect) => rect.y + rect.height))]
  const zoom = Math.min(1, (size.width - 2 * margin) / (right - left), (size.height - topMargin - margin) / (bottom - top))
  return { x: (size.width - (left + right) * zoom) / 2, y: topMargin + (size.height - topMargin - margin - (bottom - top) * zoom) / 2 - top * zoom, zoom }
}

/** The start at the top, as large as it can be read, and beside it no more empty space than there must be. */
function startView(rects: Map<string, Rect>, size: DOMRect): { x: number; y: number; zoom: number } {
  const start = rects.get(startId) ?? { x: 0, y: 0, width: 0, height: 0 }
  const all = [...rects.values()]
  const atLeftEdge = margin - Math.min(...all.map(({ x }) => x)) * readableZoom
  const atRightEdge = size.width - margin - Math.max(...all.map((rect) => rect.x + rect.width)) * readableZoom
  const [least, most] = [Math.min(atLeftEdge, atRightEdge), Math.max(atLeftEdge, atRightEdge)]
  const centred = size.width / 2 - (start.x + start.width / 2) * readableZoom
  return { x: Math.min(most, Math.max(least, centred)), y: topMargin - start.y * readableZoom, zoom: readableZoom }
}

/** Whether its middle is, so that a click on what is nearly all seen moves nothing. */
function isInSight(rect: Rect, view: { x: number; y: number; zoom: number }, size: DOMRect): boolean {
  const [x, y] = [(rect.x + rect.width / 2) * view.zoom + view.x, (rect.y + rect.height / 2) * view.zoom + view.y]
  return x > margin && y > margin && x < size.width - margin && y < size.height - margin
}

/** Where walks begin that no block leads to. */
function rootsOf(document: WorkflowDocument): { id: string; text: string; to: string }[] {
  // A webhook that delivers an event begins nothing.
  const starting = Object.values(document.triggers ?? {}).filter((trigger) => trigger.type !== 'webhook' || !trigger.event)
  const types = new Set(starting.map(({ type }) => type))
  const text = types.size === 2 ? 'Webhook or schedule' : types.has('schedule') ? 'Schedule or by hand' : types.has('webhook') ? 'Webhook or by hand' : 'By hand'
  const roots = [{ id: startId, text, to: document.start }]
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
  // As objects: sorting puts `undefined`, which the plain way is, last whatever it leads to.
  const ordered = used.map((port) => ({ port, x: targetX(port) ?? 0 })).sort((a, b) => a.x - b.x)
  const inPlace = ports.map((port) => (used.includes(port) ? ordered.shift()?.port : port))
  return inPlace.map((port, index) => ({ port, left: ((index + 1) * 100) / (ports.length + 1), isBody: port !== undefined && scopes.includes(port) }))
}

function nodesOf(document: WorkflowDocument, positions: LayoutResult['positions'], marks: Record<string, BlockMark>, selected: string | undefined, isEditable: boolean): FlowNode[] {
  const roots = rootsOf(document).flatMap(({ id, text }): FlowNode[] => {
    const position = positions[id]
    return position ? [{ id, type: 'start', position, data: { text }, selectable: false, focusable: false, deletable: false, width: rootWidth, height: rootHeight }] : []
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
  const entries = new Map<string, number>()
  for (const to of [...(document.edges ?? []).map((edge) => edge.to), ...rootsOf(document).map((root) => root.to)]) entries.set(to, (entries.get(to) ?? 0) + 1)
  const edges = (document.edges ?? []).flatMap((edge): FlowEdge[] => {
    const block = document.blocks[edge.from]
    if (!block || !(edge.to in document.blocks)) return []
    const isBody = edge.port != null && scopesOf(block).includes(edge.port)
    const [from, to] = [marks[edge.from], marks[edge.to]]
    // Of a block that ran in several rounds only the last way is known; what ran and has one way in was reached by it.
    const isWay = isBody || entries.get(edge.to) === 1 || (edge.port ? from?.port === edge.port : from?.status === 'succeeded' && !from.port)
    const wasTaken = from?.status !== undefined && to?.status !== undefined && isWay
    const classes = [isBody ? 'body' : edge.port === 'error' ? 'failure' : '', wasTaken ? 'taken' : '']
    return [
      {
        id: `${edge.from} ${edge.port ?? ''}`,
        source: edge.from,
        target: edge.to,
        type: 'smoothstep',
        className: classes.filter(Boolean).join(' '),
        sourceHandle: edge.port ?? plainHandle,
        ...(edge.port ? { label: edge.port } : {}),
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
      <span className={`flow-icon ${block.type} ${block.type === 'stop' && block.status === 'failed' ? 'fails' : ''}`}>
        <Icon className="icon" strokeWidth={1.5} aria-hidden />
      </span>
      <span className="grow">
        <strong className="truncate">{name}</strong>
        <span className="truncate muted">{mark.faults?.[0] ?? summaryOf(block)}</span>
      </span>
      <span className="flow-mark">
        <span className="row">
          {mark.times !== undefined && mark.times > 1 ? <span className="numeric">×{mark.times.toLocaleString('en')}</span> : null}
          {hasFault ? <CircleAlert className="icon" aria-label="Has a fault" /> : null}
          {mark.status === 'waiting' ? <Hourglass className="icon" aria-label="Waiting" /> : null}
          {mark.status === 'running' ? <LoaderCircle className="icon turning" aria-label="Running" /> : null}
          {mark.status === 'succeeded' ? <CircleCheck className="icon" aria-label="Succeeded" /> : null}
          {mark.status === 'failed' || mark.status === 'outcome-unknown' ? <CircleAlert className="icon" aria-label={mark.status === 'failed' ? 'Failed' : 'Outcome unknown'} /> : null}
        </span>
        {mark.durationMs === undefined ? null : <span className="numeric">{duration(mark.durationMs)}</span>}
      </span>
      {ports.map(({ port, left, isBody }) => (
        <Handle key={port ?? ''} type="source" id={port ?? plainHandle} title={port} position={Position.Bottom} style={{ left: `${left}%` }} className={isBody ? 'port-body' : `port-${port ?? 'plain'}`} isConnectable={isEditable} />
      ))}
      {waysOf(block).includes('error') ? <Handle type="source" id="error" title="error" position={Position.Bottom} className={`port-error ${hasErrorEdge ? 'used' : ''}`} isConnectable={isEditable} /> : null}
    </div>
  )
}
