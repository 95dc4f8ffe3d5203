/**
 * The evaluator's real worker, in a thread of Node instead of a sandboxed frame: the same source, the same messages, and a loop
 * without end in it is just as real.
 */
import { Worker } from 'node:worker_threads'

const shim = `
const { parentPort } = require('node:worker_threads')
globalThis.self = globalThis
globalThis.addEventListener = (_, listener) => parentPort.once('message', (port) => listener({ ports: [port] }));
`

export async function spawn(source: string): Promise<{ port: MessagePort; kill: () => void }> {
  const worker = new Worker(shim + source, { eval: true })
  const { port1, port2 } = new MessageChannel()
  worker.postMessage(port2, [port2 as unknown as import('node:worker_threads').MessagePort])
  return {
    port: port1,
    kill: () => {
      port1.close()
      void worker.terminate()
    },
  }
}
