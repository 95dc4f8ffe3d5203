/** The builder's top bar: where one is, undo, saving, preview, release. */
import { Link } from '@tanstack/react-router'
import { ChevronLeft, Eye, History, Languages, Palette, PenLine, Plus, Redo2, Undo2 } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDetail, AppDocument } from '../api/types'
import { useRuntime } from '../components/runtime-context'
import { type DraftStore, saveText } from '../document/draft-store'
import { titleIn } from '../runtime/texts'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { notify } from '../ui/toasts'
import { t } from '../messages/messages'

const AppHistory = lazy(async () => ({ default: (await import('./history/AppHistory')).AppHistory }))
const EnvironmentChooser = lazy(async () => ({ default: (await import('../ui/EnvironmentChooser')).EnvironmentChooser }))
const PortsDialog = lazy(async () => ({ default: (await import('./modules/PortsDialog')).PortsDialog }))
const ThemeDialog = lazy(async () => ({ default: (await import('./ThemeDialog')).ThemeDialog }))
const ReleaseDialog = lazy(async () => ({ default: (await import('./history/ReleaseDialog')).ReleaseDialog }))

interface Props {
  app: AppDetail
  store: DraftStore<AppDocument>
  page: string
  isPreview: boolean
  onPreview: (isPreview: boolean) => void
  onTexts: () => void
  /** Whether this window is the one that edits. */
  canSave: boolean
}

export function TopBar({ app, store, page, isPreview, onPreview, onTexts, canSave }: Props) {
  const { slug } = app
  const state = useStore(store)
  const runtime = useRuntime()
  const texts = runtime.texts()
  const { document } = state
  const isModule = Boolean(document.module)
  const [version, setVersion] = useState(app.released_version ?? undefined)
  const [dialog, setDialog] = useState<'release' | 'history' | 'theme' | 'ports'>()
  const released = (now: number) => {
    setVersion(now)
    notify(isModule ? t('Version {version} is released: apps that have the module can be updated to it.', { version: now }) : t('Version {version} is released: it is what people use from now on.', { version: now }))
  }
  const addPage = () => {
    let number = Object.keys(document.pages).length + 1
    while (`page${number}` in document.pages) number += 1
    const name = `page${number}`
    store.edit((draft) => void (draft.pages[name] = { title: t('Page {number}', { number }), components: {}, layout: {} }))
    // The app on the canvas does not have the page yet.
    runtime.update({ ...runtime.document, pages: store.getState().document.pages })
    runtime.openPage(name)
  }
  return (
    <header className="top-bar">
      <Link to="/apps" className="button ghost icon-only" aria-label={t('All apps')} title={t('All apps')}>
        <ChevronLeft className="icon" strokeWidth={1.5} aria-hidden />
      </Link>
      <input
        className="top-title"
        aria-label={isModule ? t('Title of the module') : t('Title of the app')}
        readOnly={app.is_protected}
        value={document.title}
        onChange={(event) => {
          const title = event.target.value
          store.edit((draft) => void (draft.title = title), 'title')
        }}
      />
      {version ? <Badge tone="green">{t('Version {version}', { version })}</Badge> : <Badge>{t('Never released')}</Badge>}
      {app.is_protected ? <Badge tone="amber">{t('Protected')}</Badge> : null}
      {app.environments.length > 1 ? (
        <Suspense>
          <EnvironmentChooser environments={app.environments} before={store.save} />
        </Suspense>
      ) : null}
      {isModule ? null : (
        <nav className="row top-pages" aria-label={t('Pages')}>
          {Object.entries(document.pages).map(([name, { title }]) => (
            <button key={name} type="button" className="tab" aria-current={name === page ? 'page' : undefined} onClick={() => runtime.openPage(name)}>
              {titleIn(texts, title ?? name)}
            </button>
          ))}
          <Button variant="ghost" size="small" icon={Plus} label={t('Add page')} onClick={addPage} />
        </nav>
      )}
      <span className="grow" />
      <span className="muted nowrap" role="status" title={t('Revision {number}', { number: state.revision })}>
        {saveText(state)}
      </span>
      <Button variant="ghost" icon={Undo2} label={t('Undo')} disabled={state.past.length === 0} onClick={store.undo} />
      <Button variant="ghost" icon={Redo2} label={t('Redo')} disabled={state.future.length === 0} onClick={store.redo} />
      {isModule ? null : <Button variant="ghost" icon={Languages} label={t('Texts')} onClick={onTexts} />}
      {isModule ? <Button onClick={() => setDialog('ports')}>{t('Inputs and outputs')}</Button> : <Button variant="ghost" icon={Palette} label={t('Theme')} onClick={() => setDialog('theme')} />}
      <Button variant="ghost" icon={History} label={t('Releases')} onClick={() => setDialog('history')} />
      <Button icon={isPreview ? PenLine : Eye} aria-pressed={isPreview} onClick={() => onPreview(!isPreview)}>
        {isPreview ? t('Edit') : t('Preview')}
      </Button>
      {/* It is saved by itself a moment later: then there is nothing to do, and the button stays where it is. */}
      <Button disabled={!canSave} onClick={() => void store.save()}>
        {t('Save')}
      </Button>
      <Button variant="primary" disabled={!canSave && !app.is_protected} onClick={() => setDialog('release')}>
        {t('Release')}
      </Button>
      <Suspense>
        {dialog === 'history' ? <AppHistory slug={slug} store={store} onRestored={setVersion} onClose={() => setDialog(undefined)} /> : null}
        {dialog === 'ports' ? <PortsDialog store={store} onClose={() => setDialog(undefined)} /> : null}
        {dialog === 'theme' ? <ThemeDialog store={store} onClose={() => setDialog(undefined)} /> : null}
        {dialog === 'release' ? <ReleaseDialog slug={slug} store={store} version={version} onReleased={released} onClose={() => setDialog(undefined)} /> : null}
      </Suspense>
    </header>
  )
}
