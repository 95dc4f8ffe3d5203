/**
 * What the sandboxed frame needs from the build: its document, its classic script, and the texts of its workers.
 *
 * The frame's origin is opaque, so it may load no module: its script is bundled as one classic file, and workers are
 * handed to it as text (`import source from 'virtual:worker/evaluator/worker.ts'`).
 */
import path from 'node:path'
import { build, type Plugin } from 'vite'

const workerPrefix = 'virtual:worker/'
const frameEntry = 'evaluator/sandbox-frame.ts'

export function sandbox(): Plugin {
  return {
    name: 'sandbox',
    resolveId: (id) => (id.startsWith(workerPrefix) ? `\0${id}` : undefined),
    async load(id) {
      if (!id.startsWith(`\0${workerPrefix}`)) return undefined
      const entry = id.slice(workerPrefix.length + 1)
      return `export default ${JSON.stringify(await bundle(entry))}`
    },
    async buildStart() {
      if (this.environment.mode === 'build') {
        this.emitFile({ type: 'asset', name: 'evaluator-frame.js', source: await bundle(frameEntry) })
      }
    },
    generateBundle(_, files) {
      const script = Object.keys(files).find((name) => /evaluator-frame-.*\.js$/.test(name))
      if (!script) throw new Error('the script of the sandboxed frame is not among the files')
      this.emitFile({ type: 'asset', fileName: 'evaluator.html', source: frameDocument(`/${script}`) })
    },
    configureServer(server) {
      server.middlewares.use(async (request, response, next) => {
        if (request.url === '/evaluator') {
          response.setHeader('content-type', 'text/html').end(frameDocument('/evaluator-frame.js'))
        } else if (request.url === '/evaluator-frame.js') {
          response.setHeader('content-type', 'text/javascript').end(await bundle(frameEntry))
        } else {
          next()
        }
      })
    },
  }
}

function frameDocument(script: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Sandbox for expressions</title>
    <script src="${script}"></script>
  </head>
</html>
`
}

async function bundle(entry: string): Promise<string> {
  const built = await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      write: false,
      target: 'es2023',
      minify: true,
      lib: { entry: path.resolve(import.meta.dirname, '../src', entry), formats: ['iife'], name: 'bulkhead' },
    },
  })
  const output = Array.isArray(built) ? built[0] : built
  if (!output || !('output' in output)) throw new Error(`bundling ${entry} gave nothing`)
  return output.output[0].code
}
