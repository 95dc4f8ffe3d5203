/**
 * The script of the sandboxed document: starts workers from texts that its parent hands it, and ends them.
 *
 * A classic script without imports, since a document with an opaque origin may load no module. It stays responsive
 * whatever a worker does, which is what makes an endless loop killable.
 */
type FromPage = { spawn: number; source: string } | { kill: number }

const workers = new Map<number, Worker>()

window.addEventListener('message', (event: MessageEvent<FromPage>) => {
  if (event.source !== window.parent) return
  const message = event.data
  if ('kill' in message) {
    workers.get(message.kill)?.terminate()
    workers.delete(message.kill)
    return
  }
  const [port] = event.ports
  if (!port) return
  const address = URL.createObjectURL(new Blob([message.source], { type: 'text/javascript' }))
  const worker = new Worker(address)
  URL.revokeObjectURL(address)
  workers.set(message.spawn, worker)
  worker.postMessage(null, [port])
})
