/**
 * The example of one kind of component, `?kind=table`, any page, `?page={…}`, parts of an app, `?app={…}`, or one of so many components,
 * `?large=100`, on the real runtime and evaluator; or the builder, `?builder`, and with what saves its draft, `?builder&saved`. There is no
 * server behind it: it is for looking, and for the checks of gallery.mjs.
 */
import { createRoot } from 'react-dom/client'
import type { AppDocument, Page } from '../../src/api/types'
import { AppPage } from '../../src/components/AppPage'
import { Themed } from '../../src/components/Themed'
import { RuntimeContext } from '../../src/components/runtime-context'
import { loadViews } from '../../src/components/views'
import { scriptQueries } from '../../src/runtime/model'
import { AppRuntime } from '../../src/runtime/runtime'
import { browserStorage } from '../../src/runtime/storage'
import { Questions, ask } from '../../src/ui/ask'
import { Toasts, notify } from '../../src/ui/toasts'
import { followTheme } from '../../src/ui/theme'
import { largeApp } from './large'
import '../../src/ui/tokens.css'
import '../../src/ui/fonts.css'
import '../../src/ui/base.css'
import '../../src/ui/controls.css'
import '../../src/viewer/viewer.css'

const pages = import.meta.glob<string>('../../../../../docs/components/*.md', { query: '?raw', import: 'default', eager: true })

followTheme()
const parameters = new URLSearchParams(location.search)

function wanted(): Page {
  const given = parameters.get('page')
  if (given) return JSON.parse(given) as Page
  const text = pages[`../../../../../docs/components/${parameters.get('kind')}.md`]
  return JSON.parse(text?.split('```json\n')[1]?.split('\n```')[0] ?? '{}') as Page
}

async function show(): Promise<void> {
  const large = parameters.get('large')
  const { scripts, ...parts } = large ? largeApp(Number(large)) : (JSON.parse(parameters.get('app') ?? '{}') as Partial<AppDocument>)
  const page = parts.pages?.['home'] ?? wanted()
  const runtime = new AppRuntime(
    { title: 'Components', 'home-page': 'home', pages: { home: page }, ...parts, queries: scriptQueries(scripts) },
    {
      globals: { current_user: { id: '1', email: 'ada@example.org', name: 'Ada', is_admin: true }, environment: 'production' },
      confirm: (question) => ask({ title: 'Components', text: question, confirm: 'Continue' }),
      notify,
      storage: browserStorage('gallery', '1'),
      runWorkflow: () => Promise.reject(new Error('the gallery has no workflows')),
      runQuery: () => Promise.reject(new Error('the gallery has no queries')),
    },
  )
  Object.assign(window, { runtime })
  await loadViews(page)
  createRoot(document.querySelector('#root') ?? document.body).render(
    <div className="viewer">
      <RuntimeContext value={runtime}>
        <main className="viewer-main">
          <h1 className="visually-hidden">Components</h1>
          <Themed theme={parts.theme} style={parts.style}>
            <AppPage page={page} />
          </Themed>
        </main>
      </RuntimeContext>
      <Questions />
      <Toasts />
    </div>,
  )
}

async function showBuilder(isSaved: boolean): Promise<void> {
  const { builderGallery } = await import('./builder')
  const large = parameters.get('large')
  createRoot(document.querySelector('#root') ?? document.body).render(
    <>
      {await builderGallery(isSaved, large ? largeApp(Number(large)) : undefined)}
      <Toasts />
    </>,
  )
}

void (parameters.has('builder') ? showBuilder(parameters.has('saved')) : show())
