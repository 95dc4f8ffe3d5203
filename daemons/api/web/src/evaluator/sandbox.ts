/**
 * The page's side of the sandboxed frame: one hidden frame for the page, any number of workers in it.
 *
 * The page itself can start no worker: its Trusted Types policy allows no script address that is made at run time.
 */
export interface SandboxedWorker {
  port: MessagePort
  kill: () => void
}

let frame: Promise<HTMLIFrameElement> | undefined
let count = 0

function sandboxFrame(): Promise<HTMLIFrameElement> {
  frame ??= new Promise((resolve, reject) => {
    const element = document.createElement('iframe')
    element.setAttribute('sandbox', 'allow-scripts')
    element.hidden = true
    element.title = 'Sandbox for expressions'
    element.src = '/evaluator'
    element.addEventListener('load', () => resolve(element), { once: true })
    element.addEventListener('error', () => reject(new Error('The sandbox for expressions could not be loaded. Reload the page.')), { once: true })
    document.body.append(element)
  })
  return frame
}

/** Starts a worker from its source. */
export async function spawn(source: string): Promise<SandboxedWorker> {
  const element = await sandboxFrame()
  const id = ++count
  const { port1, port2 } = new MessageChannel()
  // The frame's origin is opaque, so it cannot be named as a target; the frame itself is ours.
  element.contentWindow?.postMessage({ spawn: id, source }, '*', [port2])
  return {
    port: port1,
    kill: () => {
      port1.close()
      element.contentWindow?.postMessage({ kill: id }, '*')
    },
  }
}
