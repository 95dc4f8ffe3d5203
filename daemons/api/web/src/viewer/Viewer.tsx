/** A hosted app at `/apps/<slug>`: only what was released, without the studio's frame. */
import { Pencil } from 'lucide-react'
import { Suspense, lazy, useEffect, useLayoutEffect, useState } from 'react'
import { useStore } from 'zustand'
import { api, dataOf, wholeResult } from '../api/client'
import { ApiProblem } from '../api/problem'
import type { ReleasedApp, Session } from '../api/types'
import { AppPage } from '../components/AppPage'
import { RuntimeContext } from '../components/runtime-context'
import { useAppStyle } from '../components/style/use-style'
import { applyTheme } from '../components/theme'
import { loadViews } from '../components/views'
import { type Address, addressText, readAddress } from '../runtime/address'
import { languagesFor } from '../runtime/languages'
import { scriptQueries } from '../runtime/model'
import { AppRuntime, type RuntimeHost } from '../runtime/runtime'
import { browserStorage } from '../runtime/storage'
import { titleIn } from '../runtime/texts'
import { EnvironmentChooser } from '../ui/EnvironmentChooser'
import { accountsNeeded, noteAccount } from '../ui/accounts'
import { Questions, ask } from '../ui/ask'
import { inEnvironment, visibleEnvironment, withEnvironment, withoutEnvironment } from '../ui/environment'
import { ErrorState, SkeletonRows } from '../ui/states'
import { Toasts, notify } from '../ui/toasts'
import { useIsOnline } from '../ui/online'
import { t } from '../messages/messages'
import './viewer.css'

const LanguageChooser = lazy(() => import('./LanguageChooser').then((module) => ({ default: module.LanguageChooser })))
const AccountsNeeded = lazy(() => import('../ui/AccountsNeeded').then((module) => ({ default: module.AccountsNeeded })))

type Loaded = { app: ReleasedApp; session: Session; runtime: AppRuntime }

async function load(slug: string): Promise<Loaded> {
  const [session, app] = await Promise.all([dataOf(api.GET('/api/v1/session')), dataOf(api.GET('/api/v1/apps/{slug}/released', { params: { path: { slug } } }))])
  const { id, email, name, is_admin, groups } = session.user
  const { pages, queries, scripts, 'home-page': home } = app.document
  const root = `/apps/${slug}`
  const host: RuntimeHost = {
    globals: { current_user: { id, email, name, is_admin, groups }, environment: visibleEnvironment(app.environments) },
    languages: languagesFor(slug),
    storage: browserStorage(slug, id),
    confirm: (question) => ask({ title: app.title, text: question, confirm: t('Continue') }),
    notify,
    showAddress: (address, isNew) => {
      const text = withEnvironment(`${root}${addressText(pages, home, address)}`)
      if (isNew) history.pushState(null, '', text)
      else history.replaceState(null, '', text)
    },
    runWorkflow: async (workflow, body) => {
      await dataOf(api.POST('/api/v1/apps/{slug}/runs', { params: { path: { slug } }, body: { workflow, body, ...inEnvironment() } }))
    },
    exportQuery: async (query, parameters, format, onBytes, signal) => {
      const { exportRows } = await import('../api/export')
      const path = `/api/v1/apps/${encodeURIComponent(slug)}/queries/${encodeURIComponent(query)}/export`
      return exportRows({ path, body: { parameters, version: 'released', ...inEnvironment() }, format, name: query }, onBytes, signal)
    },
    runQuery: async (query, parameters, signal) => {
      const answer = api.POST('/api/v1/apps/{slug}/queries/{query}/run', { params: { path: { slug, query } }, body: { parameters, version: 'released', ...inEnvironment() }, signal })
      try {
        return wholeResult(await dataOf(answer))
      } catch (error) {
        noteAccount(error, query)
        throw error
      }
    },
  }
  const at = addressNow(app, root)
  const runtime = new AppRuntime({ ...app.document, queries: { ...queries, ...scriptQueries(scripts) } }, host, at)
  await loadViews(pages[at.page])
  return { app, session, runtime }
}

/** Where the browser is in the app; its first page where the app has no such place. */
function addressNow(app: ReleasedApp, root: string): Address {
  const { pages, 'home-page': home } = app.document
  const { pathname, search, hash } = location
  return readAddress(pages, home, { path: pathname.slice(root.length), search: withoutEnvironment(search), hash }) ?? { page: home, parameters: {}, hash: '' }
}

export function Viewer({ slug }: { slug: string }) {
  const [loaded, setLoaded] = useState<Loaded>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    let runtime: AppRuntime | undefined
    let isGone = false
    load(slug).then(
      (result) => {
        if (isGone) return result.runtime.close()
        runtime = result.runtime
        document.title = result.app.title
        setLoaded(result)
      },
      (problem: unknown) => {
        if (problem instanceof ApiProblem && problem.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`)
        else setError(problem)
      },
    )
    return () => {
      isGone = true
      runtime?.close()
    }
  }, [slug])
  return (
    <div className="viewer">
      {error ? (
        <main>
          <ErrorState error={error} onRetry={() => location.reload()} />
        </main>
      ) : loaded ? (
        <RuntimeContext value={loaded.runtime}>
          <Running {...loaded} />
        </RuntimeContext>
      ) : (
        <main className="viewer-main">
          <SkeletonRows />
        </main>
      )}
      <Questions />
      <Toasts />
    </div>
  )
}

function Running({ app, session, runtime }: Loaded) {
  const isOnline = useIsOnline()
  const [texts, setTexts] = useState(() => runtime.texts())
  const { translations } = app.document
  // The page is the app's alone, and so are its dialogs and messages.
  useLayoutEffect(() => applyTheme(window.document.documentElement, app.document.theme), [app.document.theme])
  useAppStyle(app.document.style)
  const needsAccounts = useStore(accountsNeeded, ({ queries }) => Object.keys(queries).length > 0)
  const pageName = useStore(runtime.store, (state) => state.page)
  const page = app.document.pages[pageName]
  const pages = Object.entries(app.document.pages)
  useEffect(() => {
    // Newer browsers give a promise here, which is nothing to clean up.
    void scrollTo(0, 0)
  }, [pageName])
  useEffect(() => {
    const follow = () => runtime.revisit(addressNow(app, `/apps/${app.slug}`))
    addEventListener('popstate', follow)
    return () => removeEventListener('popstate', follow)
  }, [app, runtime])
  return (
    <>
      <header className="viewer-bar">
        <h1 className="truncate">{app.title}</h1>
        {pages.length > 1 ? (
          <nav className="row" aria-label={t('Pages')}>
            {pages.filter(([, { route }]) => !route?.includes('{')).map(([name, { title }]) => (
              <button key={name} type="button" className="tab" aria-current={name === pageName ? 'page' : undefined} onClick={() => runtime.openPage(name)}>
                {titleIn(texts, title ?? name)}
              </button>
            ))}
          </nav>
        ) : null}
        <span className="row user">
          {translations && translations.languages.length > 1 ? (
            <Suspense>
              <LanguageChooser slug={app.slug} runtime={runtime} languages={translations.languages} language={texts.language} onChosen={() => setTexts(runtime.texts())} />
            </Suspense>
          ) : null}
          <EnvironmentChooser environments={app.environments} />
          <span className="muted name">{session.user.name}</span>
          {app.role === 'viewer' ? null : (
            <a className="button small" href={`/apps/${app.slug}/edit${location.search}`}>
              <Pencil className="icon" size={14} strokeWidth={1.5} aria-hidden />
              {t('Edit')}
            </a>
          )}
        </span>
      </header>
      {isOnline ? null : <div className="notice amber viewer-offline">{t('You are offline. What you see may be old; changes cannot be sent.')}</div>}
      {needsAccounts ? (
        <Suspense>
          <AccountsNeeded onConnected={(query) => void runtime.runQuery(query)} />
        </Suspense>
      ) : null}
      <main className="viewer-main" lang={texts.language || undefined} data-app-style={app.document.style ? '' : undefined}>
        {page ? <AppPage page={page} /> : null}
      </main>
    </>
  )
}
