/** What stands above the canvas about saving: who else edits, a draft that changed meanwhile, changes that were kept in this browser. */
import { useMutation } from '@tanstack/react-query'
import { CircleAlert, History, Lock, Users } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { useStore } from 'zustand'
import { api, dataOf } from '../../api/client'
import { isProblem, messageOf } from '../../api/problem'
import type { AppDocument } from '../../api/types'
import { canonicalText } from '../../document/canonical'
import { type DraftStore, unsavedReason } from '../../document/draft-store'
import { replaceDocument } from '../../document/replace'
import { Button } from '../../ui/Button'
import type { IconType } from '../../ui/icons'
import { RelativeTime } from '../../ui/format'
import { saveFile } from '../../ui/save-file'
import { ErrorNotice } from '../../ui/states'
import type { Recovery } from './use-recovery'
import type { EditLock } from './use-edit-lock'

interface Props {
  slug: string
  store: DraftStore<AppDocument>
  isProtected: boolean
  lock: EditLock
  recovery: Recovery
}

/** Whoever pauses in the middle of an expression is not told so at once: what is below would jump. */
const patienceMs = 5000

export function SavingNotices({ slug, store, isProtected, lock, recovery }: Props) {
  const problem = useStore(store, (state) => state.problem)
  const reason = useStore(store, unsavedReason)
  const hasWaited = useLasting(!problem && reason !== undefined)
  const isUnsaved = useStore(store, (state) => state.document !== state.saved)
  return (
    <div className="builder-notices">
      {isProtected ? <Notice icon={Lock} text="This app is protected: its draft changes by pulls of Source control alone. Change it in the repository, or ask an administrator to lift the protection." /> : null}
      {!isProtected && (lock.state === 'theirs' || lock.state === 'lost') ? <Elsewhere lock={lock} isUnsaved={isUnsaved} /> : null}
      {!isProtected && recovery.found ? <Recovered slug={slug} recovery={recovery} /> : null}
      {isProblem(problem, 'draft-changed') ? <Conflict slug={slug} store={store} /> : problem ? <ErrorNotice error={problem} /> : null}
      {hasWaited ? <Notice icon={CircleAlert} text={`Your changes are not saved until this is put right: ${messageOf(reason)}`} /> : null}
    </div>
  )
}

/** Whether something has been so for a while. */
function useLasting(is: boolean): boolean {
  const [lasts, setLasts] = useState(false)
  useEffect(() => {
    if (!is) return
    const timer = setTimeout(() => setLasts(true), patienceMs)
    return () => {
      clearTimeout(timer)
      setLasts(false)
    }
  }, [is])
  return is && lasts
}

function Notice({ icon: Icon, text, children }: { icon: IconType; text: ReactNode; children?: ReactNode }) {
  return (
    <div className="notice amber builder-notice" role="status">
      <Icon className="icon" strokeWidth={1.5} aria-hidden />
      <p className="grow">{text}</p>
      {children ? <span className="row wrap">{children}</span> : null}
    </div>
  )
}

function Elsewhere({ lock, isUnsaved }: { lock: EditLock; isUnsaved: boolean }) {
  const who = lock.holder?.isYou ? 'You edit this app in another window' : `${lock.holder?.name ?? 'Somebody else'} is editing this app`
  const kept = isUnsaved ? 'Your unsaved changes are kept in this browser.' : 'What you change here is not saved until you take over.'
  return (
    <Notice
      icon={Users}
      text={
        <>
          {lock.state === 'lost' ? `${lock.holder?.isYou ? 'Another window of yours' : (lock.holder?.name ?? 'Somebody else')} has taken over the editing.` : `${who}.`} {kept}
        </>
      }
    >
      <Button size="small" onClick={lock.takeOver}>
        Take over
      </Button>
    </Notice>
  )
}

function Recovered({ slug, recovery }: { slug: string; recovery: Recovery }) {
  const { found, isElsewhere } = recovery
  if (!found) return null
  const { kept, isApplied } = found
  return (
    <Notice
      icon={History}
      text={
        isApplied ? (
          <>
            Changes from <RelativeTime at={new Date(kept.at).toISOString()} /> that were not saved are here again.
          </>
        ) : isElsewhere ? (
          <>
            Another window of this browser has changes from <RelativeTime at={new Date(kept.at).toISOString()} /> that are not saved.
          </>
        ) : (
          <>
            This browser has changes from <RelativeTime at={new Date(kept.at).toISOString()} /> that were never saved, and somebody has saved the app since.
          </>
        )
      }
    >
      {isApplied ? (
        <>
          <Button size="small" onClick={recovery.keep}>
            Keep them
          </Button>
          <Button size="small" onClick={recovery.discard}>
            Discard them
          </Button>
        </>
      ) : (
        <>
          <Button size="small" onClick={recovery.apply}>
            {isElsewhere ? 'Use them' : 'Use mine'}
          </Button>
          <Button size="small" onClick={() => saveFile(`${slug}.unsaved.app.json`, canonicalText(kept.document), 'application/json')}>
            {isElsewhere ? 'Download them' : 'Download mine'}
          </Button>
          <Button size="small" onClick={recovery.discard}>
            {isElsewhere ? 'Discard them' : 'Discard mine'}
          </Button>
        </>
      )}
    </Notice>
  )
}

/** Somebody saved between this window's reading and its save: nothing is lost, and a person says which counts. */
function Conflict({ slug, store }: { slug: string; store: DraftStore<AppDocument> }) {
  const resolving = useMutation({
    meta: { showsError: true },
    mutationFn: async (whose: 'mine' | 'theirs') => {
      const now = await dataOf(api.GET('/api/v1/apps/{slug}', { params: { path: { slug } } }))
      if (whose === 'theirs') {
        replaceDocument(store, now.draft)
        store.rebase(store.getState().document, now.draft_revision)
      } else {
        store.rebase(now.draft, now.draft_revision)
        await store.save()
      }
    },
  })
  return (
    <>
      <ErrorNotice error={resolving.error} />
      <Notice icon={CircleAlert} text="Somebody else has saved this app since you opened it. Your changes are not saved, and not lost.">
        <Button size="small" isBusy={resolving.isPending && resolving.variables === 'theirs'} onClick={() => resolving.mutate('theirs')}>
          Load theirs
        </Button>
        <Button size="small" isBusy={resolving.isPending && resolving.variables === 'mine'} onClick={() => resolving.mutate('mine')}>
          Save mine over it
        </Button>
        <Button size="small" onClick={() => saveFile(`${slug}.mine.app.json`, canonicalText(store.getState().document), 'application/json')}>
          Download mine
        </Button>
      </Notice>
    </>
  )
}
