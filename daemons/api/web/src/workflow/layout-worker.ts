/** Lays a graph out, in the sandboxed worker: dagre takes too long for the page. */
import { Graph, layout } from '@dagrejs/dagre'
import type { LayoutRequest, LayoutResult } from './layout'

self.addEventListener('message', ({ ports: [port] }) => {
  if (!port) return
  port.onmessage = ({ data }: MessageEvent<LayoutRequest>) => {
    const graph = new Graph()
    graph.setGraph({ rankdir: 'TB', nodesep: 40, ranksep: 48, marginx: 24, marginy: 24 })
    graph.setDefaultEdgeLabel(() => ({}))
    for (const { id, width, height } of data.nodes) graph.setNode(id, { width, height })
    for (const [from, to] of data.edges) graph.setEdge(from, to)
    layout(graph)
    const positions: LayoutResult['positions'] = {}
    for (const { id, width, height } of data.nodes) {
      const { x, y } = graph.node(id)
      positions[id] = { x: x - width / 2, y: y - height / 2 }
    }
    port.postMessage({ sequence: data.sequence, positions } satisfies LayoutResult)
  }
})
