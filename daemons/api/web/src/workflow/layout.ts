/** Where a workflow's blocks stand: computed from its edges, never stored. */
import source from 'virtual:worker/workflow/layout-worker.ts'
import { type SandboxedWorker, spawn } from '../evaluator/sandbox'

export interface LayoutRequest {
  sequence: number
  nodes: { id: string; width: number; height: number }[]
  edges: [from: string, to: string][]
}

export interface LayoutResult {
  sequence: number
  positions: Record<string, { x: number; y: number }>
}

let worker: Promise<SandboxedWorker> | undefined
let count = 0
const waiting = new Map<number, (positions: LayoutResult['positions']) => void>()

export async function layOut(nodes: LayoutRequest['nodes'], edges: LayoutRequest['edges']): Promise<LayoutResult['positions']> {
  worker ??= spawn(source).then((started) => {
    started.port.onmessage = ({ data }: MessageEvent<LayoutResult>) => {
      waiting.get(data.sequence)?.(data.positions)
      waiting.delete(data.sequence)
    }
    return started
  })
  const { port } = await worker
  const sequence = ++count
  return new Promise((resolve) => {
    waiting.set(sequence, resolve)
    port.postMessage({ sequence, nodes, edges } satisfies LayoutRequest)
  })
}
