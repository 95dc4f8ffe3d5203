/** The builder at `/apps/<slug>/edit`. */
import { useQuery } from '@tanstack/react-query'
import { Link, getRouteApi } from '@tanstack/react-router'
import { Monitor } from 'lucide-react'
import { Suspense, lazy, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import { api, dataOf } from '../api/client'
import type { AppDetail, AppDocument, Session } from '../api/types'
import { Themed } from '../components/Themed'
import { RuntimeContext, useRuntime, useRuntimeState } from '../components/runtime-context'
import { type DraftStore, createDraftStore } from '../document/draft-store'
import { moduleOf } from '../document/module-names'
import type { Owner } from '../document/places'
import { useSessionQuery } from '../studio/session'
import { EmptyState, ErrorState, SkeletonRows } from '../ui/states'
import { Canvas } from './Canvas'
import './builder.css'
import { loadKinds } from './component-kinds'
import { useBuilderKeys } from './use-builder-keys'
import { useBuilderRuntime } from './use-builder-runtime'
import { t } from '../messages/messages'

/** After the canvas: what stands around it is not what one sees first. */
const SidePanel = lazy(() => import('./SidePanel').then((module) => ({ default: module.SidePanel })))
const QueryDrawer = lazy(() => import('./QueryDrawer').then((module) => ({ default: module.QueryDrawer })))
const TopBar = lazy(async () => ({ default: (await import('./TopBar')).TopBar }))
const AppPage = lazy(async () => ({ default: (await import('../components/AppPage')).AppPage }))
const PreviewBar = lazy(async () => ({ default: (await import('./PreviewBar')).PreviewBar }))
const Inspector = lazy(() => import('./Inspector').then((module) => ({ default: module.Inspector })))
const CanvasTools = lazy(async () => ({ default: (await import('./CanvasTools')).CanvasTools }))
const TextsDialog = lazy(async () => ({ default: (await import('./texts/TextsDialog')).TextsDialog }))
const Saving = lazy(async () => ({ default: (await import('./saving/Saving')).Saving }))

const route = getRouteApi('/apps/$slug/edit')

export function Builder() {
  const { slug } = route.useParams()
  const session = useSessionQuery()
  const app = useQuery({ queryKey: ['app', slug], queryFn: () => dataOf(api.GET('/api/v1/apps/{slug}', { params: { path: { slug } } })), staleTime: Number.POSITIVE_INFINITY, gcTime: 0 })
  const kinds = useQuery({ queryKey: ['kinds of components'], queryFn: loadKinds, staleTime: Number.POSITIVE_INFINITY })
  const error = app.error ?? session.error ?? kinds.error
  if (error) return <ErrorState error={error} onRetry={() => void Promise.all([app.refetch(), kinds.refetch()])} />
  if (!app.data || !session.data || !kinds.data) return <SkeletonRows />
  return (
    <>
      <div className="builder-too-small">
        <EmptyState icon={Monitor} title={t('Editing needs a larger screen')} action={<a className="button primary" href={`/apps/${slug}`}>{t('Open the app')}</a>}>
          {t('The builder shows the canvas, the inspector and queries side by side. Here you can use the app as it was released.')}
        </EmptyState>
        <Link to="/apps" className="muted">
          {t('All apps')}
        </Link>
      </div>
      <Loaded key={slug} app={app.data} session={session.data} />
    </>
  )
}

/** Every part of a document that may be left out, filled in: edits need not ask. */
function filledIn(document: AppDocument): AppDocument {
  const pages = Object.fromEntries(Object.entries(document.pages).map(([name, page]) => [name, { ...page, components: page.components ?? {}, layout: page.layout ?? {} }]))
  return { ...document, pages, queries: document.queries ?? {} }
}

function Loaded({ app, session }: { app: AppDetail; session: Session }) {
  const { slug } = app
  const store = useMemo(() => {
    // Loaded with the first save, a second after the first change.
    let send: ReturnType<typeof import('./saving/send-draft').draftSender> | undefined
    const made = createDraftStore(filledIn(app.draft), app.draft_revision, async (revision, document) => {
      send ??= (await import('./saving/send-draft')).draftSender(slug)
      return send(revision, document)
    })
    // A protected app is looked at: nothing that would be lost can be changed.
    return app.is_protected ? { ...made, edit: () => undefined } : made
  }, [app, slug])
  const runtime = useBuilderRuntime(app, store, session)
  if (!runtime) return <SkeletonRows />
  return (
    <RuntimeContext value={runtime}>
      <Frame app={app} user={session.user} store={store} />
    </RuntimeContext>
  )
}

function Frame({ app, user, store }: { app: AppDetail; user: Session['user']; store: DraftStore<AppDocument> }) {
  const { slug } = app
  const document = useStore(store, (state) => state.document)
  const runtime = useRuntime()
  // The app goes from page to page by itself, too.
  const page = useRuntimeState((state) => state.page)
  const [selection, setSelection] = useState<string[]>([])
  const [query, setQuery] = useState<string | undefined>(Object.keys(document.queries ?? {})[0])
  const [isPreview, setPreview] = useState(false)
  const [canSave, setCanSave] = useState(true)
  /** The key of a text that is looked at. */
  const [text, setText] = useState<string>()
  const shownPage = document.pages[page] ?? document.pages[document['home-page']]
  const selected = selection.filter((name) => shownPage?.components?.[name])
  useBuilderKeys({ store, page, selection: selected, setSelection, isEnabled: !isPreview })
  const open = ({ kind, name: found, page: where }: Owner) => {
    if (kind === 'text') return setText(found)
    // What is of a module is edited there: here the module itself is shown.
    const name = moduleOf(document, found) ?? found
    const target = kind === 'page' ? name : where
    if (target !== undefined && target !== page) runtime.openPage(target)
    if (kind === 'component' || name !== found) setSelection([name])
    else if (kind === 'page') setSelection([])
    else setQuery(kind === 'state' ? `state.${name}` : name)
  }
  return (
    <div className="builder">
      <Suspense fallback={<header className="top-bar" />}>
        <TopBar app={app} store={store} page={page} isPreview={isPreview} onPreview={setPreview} onTexts={() => setText('')} canSave={canSave} />
      </Suspense>
      <Suspense>
        {text === undefined ? null : <TextsDialog store={store} wanted={text} onClose={() => setText(undefined)} />}
        <Saving slug={slug} user={user.id} store={store} isProtected={app.is_protected} onCanSave={setCanSave} />
      </Suspense>
      {isPreview ? (
        <div className="builder-preview">
          <Themed theme={document.theme} style={document.style}>
            <Suspense>
              <PreviewBar user={user} translations={document.translations} />
              {shownPage ? <AppPage page={shownPage} /> : null}
            </Suspense>
          </Themed>
        </div>
      ) : (
        <div className="builder-main">
          <Suspense fallback={<aside className="side" aria-label={t('Components')} />}>
            <SidePanel slug={slug} store={store} page={page} selection={selected} onSelect={setSelection} />
          </Suspense>
          <div className="canvas-area">
            <Canvas store={store} page={page} selection={selected} onSelect={setSelection} />
            <Suspense>
              <CanvasTools store={store} page={page} />
            </Suspense>
          </div>
          <Suspense fallback={<aside className="inspector compact" aria-label={t('Inspector')} />}>
            <Inspector key={`${page} ${selected[0] ?? ''}`} store={store} page={page} selection={selected} onSelect={setSelection} />
          </Suspense>
          <Suspense fallback={<section className="drawer" aria-label={t('Queries')} />}>
            <QueryDrawer slug={slug} page={page} store={store} selected={query} onSelect={setQuery} onOpen={open} />
          </Suspense>
        </div>
      )}
    </div>
  )
}
