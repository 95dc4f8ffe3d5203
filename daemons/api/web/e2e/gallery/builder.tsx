/** The builder's canvas, inspector and drawer over an app with a bit of everything, without a server: queries give two rows. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useState } from 'react'
import { problemOf } from '../../src/api/problem'
import type { AppDocument, QueryResult } from '../../src/api/types'
import { Canvas } from '../../src/builder/Canvas'
import { Inspector } from '../../src/builder/Inspector'
import { QueryDrawer } from '../../src/builder/QueryDrawer'
import { SidePanel } from '../../src/builder/SidePanel'
import { ThemeDialog } from '../../src/builder/ThemeDialog'
import { loadKinds } from '../../src/builder/component-kinds'
import { watch } from '../../src/builder/debug/watched'
import { PortsDialog } from '../../src/builder/modules/PortsDialog'
import { TextsDialog } from '../../src/builder/texts/TextsDialog'
import { Saving } from '../../src/builder/saving/Saving'
import { RuntimeContext, useRuntimeState } from '../../src/components/runtime-context'
import { loadViews } from '../../src/components/views'
import { type DraftStore, createDraftStore } from '../../src/document/draft-store'
import { type RuntimeQuery, scriptQueries } from '../../src/runtime/model'
import { AppRuntime } from '../../src/runtime/runtime'
import { notify } from '../../src/ui/toasts'
import '../../src/builder/builder.css'

/** A dialog that is open from the beginning: `?builder=theme`. */
const opened = new URLSearchParams(location.search).get('builder')

const small: AppDocument = {
  format: 1,
  title: 'Orders',
  'home-page': 'home',
  pages: {
    home: {
      components: {
        heading: { type: 'text', properties: { value: '{{ state.count.value }} done, {{ listOrders.rows.length }} orders, {{ totals.value.open }}', style: 'heading' } },
        orders: { type: 'table', properties: { data: '{{ listOrders.rows }}' }, events: [{ on: 'row-select', action: { do: 'set-state', variable: 'count', value: '{{ state.count.value + 1 }}' }, when: '{{ orders.selectedRow }}' }] },
        bad: { type: 'text', properties: { value: '{{ nosuch.value }}' } },
      },
      layout: { heading: { column: 0, row: 0, width: 16, height: 1 }, orders: { column: 0, row: 2, width: 24, height: 6 }, bad: { column: 0, row: 9, width: 8, height: 1 } },
    },
  },
  queries: { listOrders: { resource: 'tables', statement: 'select id, name, total from orders', run: 'automatic' } },
  scripts: { closeAll: { code: "for (const { id } of listOrders.rows) console.log('closing', id)\nawait state.count.set(5)\nreturn listOrders.rows.map((row) => row.name)" } },
  transformers: { totals: { code: 'const sums = { open: 0 }\nfor (const { total } of listOrders.rows) sums.open += total\nreturn sums' } },
  state: { count: { initial: '{{ 0 }}' } },
  ...(opened === 'ports' ? { module: { inputs: { customer: { type: 'object' as const } }, outputs: { total: '{{ totals.value.open }}' }, events: { saved: 'When it was saved' } } } : {}),
}

function queriesOf({ queries, scripts }: AppDocument): Record<string, RuntimeQuery> {
  return { ...Object.fromEntries(Object.keys(queries ?? {}).map((name) => [name, { expressions: [], run: 'automatic' as const }])), ...scriptQueries(scripts) }
}

/** The draft's way to a server, which a step of the checks plays. */
async function send(revision: number, document: AppDocument): Promise<number> {
  const response = await fetch('/draft', { method: 'PUT', body: JSON.stringify({ revision, document }) })
  if (!response.ok) throw await problemOf(response)
  return revision + 1
}

/** What to draw, once it has arrived. `isSaved`: with what saves the draft. */
export async function builderGallery(isSaved: boolean, app = small) {
  await Promise.all([loadKinds(), loadViews(app.pages['home'])])
  const store = createDraftStore(app, 1, isSaved ? send : async () => 2)
  Object.assign(window, { store })
  const runtime = new AppRuntime({ ...app, queries: queriesOf(app) }, {
    globals: { current_user: { id: '1', email: 'ada@example.org', name: 'Ada', is_admin: true, groups: [] }, environment: 'production' },
    confirm: async () => true,
    notify,
    storage: { read: () => ({}), write: () => undefined },
    runsAll: true,
    ...watch(),
    runWorkflow: async () => undefined,
    runQuery: async () => ({ rows: [{ id: 1, name: 'Lyon Fret', total: 12 }, { id: 2, name: 'Porto Azul', total: 30 }] }) as unknown as QueryResult,
  })
  store.subscribe(({ document }) => runtime.update({ ...document, queries: queriesOf(document) }))
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY } } })
  client.setQueryData(['resources'], [{ name: 'tables', kind: 'postgresql' }])
  client.setQueryData(['workflows'], [])
  client.setQueryData(['apps'], [{ id: 'card', slug: 'card', title: 'Customer card', role: 'editor', released_version: 2, is_module: true, is_protected: false, folder: '', tags: [], is_favourite: false, updated_at: '2026-11-30T09:00:00Z' }])
  return (
    <QueryClientProvider client={client}>
      <RuntimeContext value={runtime}>
        <Frame store={store} script={Object.keys(app.scripts ?? {})[0]} isSaved={isSaved} />
      </RuntimeContext>
    </QueryClientProvider>
  )
}

function Frame({ store, script, isSaved }: { store: DraftStore<AppDocument>; script: string | undefined; isSaved: boolean }) {
  const [selection, setSelection] = useState(['orders'])
  const [query, setQuery] = useState(script)
  const page = useRuntimeState((state) => state.page)
  const common = { store, page, selection, onSelect: setSelection }
  return (
    <div className="builder">
      {isSaved ? <Saving slug="gallery" user="1" store={store} isProtected={false} onCanSave={() => undefined} /> : null}
      <main className="builder-main">
        <SidePanel slug="gallery" {...common} />
        <Canvas {...common} />
        <Inspector key={selection[0] ?? ''} {...common} />
        {opened === 'theme' ? <ThemeDialog store={store} onClose={() => undefined} /> : null}
        {opened === 'texts' ? <TextsDialog store={store} onClose={() => undefined} /> : null}
        {opened === 'ports' ? <PortsDialog store={store} onClose={() => undefined} /> : null}
        <QueryDrawer slug="gallery" page={page} store={store} selected={query} onSelect={setQuery} onOpen={({ kind, name }) => (kind === 'component' ? setSelection([name]) : setQuery(kind === 'state' ? `state.${name}` : name))} />
      </main>
    </div>
  )
}
