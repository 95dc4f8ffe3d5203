/** Saving a draft: by itself and by keys, by the window that edits, with what stands in the way above the canvas. It arrives after the canvas. */
import { useEffect } from 'react'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { useDraftKeys } from '../../document/use-draft-keys'
import { SavingNotices } from './SavingNotices'
import { useAutosave } from './use-autosave'
import { useEditLock } from './use-edit-lock'
import { useRecovery } from './use-recovery'

interface Props {
  slug: string
  user: string
  store: DraftStore<AppDocument>
  /** Whether the draft changes by pulls alone. */
  isProtected: boolean
  /** Told whether this window may save. */
  onCanSave: (canSave: boolean) => void
}

export function Saving({ slug, user, store, isProtected, onCanSave }: Props) {
  const lock = useEditLock(slug)
  const recovery = useRecovery(store, user, slug)
  const canSave = !isProtected && lock.state !== 'theirs' && lock.state !== 'lost'
  useAutosave(store, canSave && lock.state === 'ours' && (!recovery.found || recovery.isElsewhere))
  useDraftKeys(store, canSave)
  useEffect(() => onCanSave(canSave), [canSave, onCanSave])
  return <SavingNotices slug={slug} store={store} isProtected={isProtected} lock={lock} recovery={recovery} />
}
