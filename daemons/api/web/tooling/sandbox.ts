/**
 * What the sandboxed frames need from the build: their documents, their classic scripts, and the texts of workers.
 *
 * The origin of such a frame is opaque, so it may load no module: its script is bundled as one classic file, and workers are
 * handed to it as text (`import source from 'virtual:worker/evaluator/worker.ts'`).
 */
import path from 'node:path'
import { build, type Plugin } from 'vite'

const workerPrefix = 'virtual:worker/'
/** By the name of the document, and of its script. */
const frames = [
  { name: 'evaluator', entry: 'evaluator/sandbox-frame.ts', title: 'Sandbox for expressions', body: '' },
  { name: 'custom-component', entry: 'custom-component/frame.ts', title: 'Custom component', body: '<div id="root"></div>' },
]

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
        for (const { name, entry } of frames) this.emitFile({ type: 'asset', name: `${name}-frame.js`, source: await bundle(entry) })
      }
    },
    generateBundle(_, files) {
      for (const frame of frames) {
        const script = Object.keys(files).find((file) => file.includes(`${frame.name}-frame-`) && file.endsWith('.js'))
        if (!script) throw new Error(`the script of the frame ${frame.name} is not among the files`)
        this.emitFile({ type: 'asset', fileName: `${frame.name}.html`, source: frameDocument(frame, `/${script}`) })
      }
    },
    configureServer(server) {
      server.middlewares.use(async (request, response, next) => {
        const frame = frames.find(({ name }) => request.url === `/${name}` || request.url === `/${name}-frame.js`)
        if (!frame) next()
        else if (request.url === `/${frame.name}`) response.setHeader('content-type', 'text/html').end(frameDocument(frame, `/${frame.name}-frame.js`))
        else response.setHeader('content-type', 'text/javascript').end(await bundle(frame.entry))
      })
    },
  }
}

function frameDocument({ title, body }: (typeof frames)[number], script: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>${title}</title>
    <script src="${script}"></script>
  </head>${body ? `\n  <body>\n    ${body}\n  </body>` : ''}
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
