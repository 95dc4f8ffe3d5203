/**
 * Unsaved changes that this browser kept: what this window had is brought back when nobody saved since, and offered when somebody did;
 * what other windows have is offered.
 */
import { useCallback, useEffect, useState } from 'react'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { type KeptDraft, draftKey, dropKept, keepUnsaved, keptElsewhere, readKept, takeKept } from '../../document/kept-draft'
import { replaceDocument } from '../../document/replace'
import { windowId } from './window-id'

interface Found {
  key: string
  kept: KeptDraft<AppDocument>
  /** Whether the document is the kept one already. */
  isApplied: boolean
}

export interface Recovery {
  found: Found | undefined
  /** Whether it is another window's, which goes on with it if it is still there. */
  isElsewhere: boolean
  apply: () => void
  keep: () => void
  discard: () => void
}

export function useRecovery(store: DraftStore<AppDocument>, user: string, slug: string): Recovery {
  const own = draftKey(user, slug, windowId())
  const [found, setFound] = useState<Found>()
  const isElsewhere = found !== undefined && found.key !== own
  const lookElsewhere = useCallback(() => {
    const other = keptElsewhere<AppDocument>(localStorage, own, store.getState().saved)
    setFound(other && { ...other, isApplied: false })
  }, [store, own])
  useEffect(() => {
    const kept = readKept<AppDocument>(localStorage, own)
    const { revision, saved } = store.getState()
    if (kept && JSON.stringify(kept.document) !== JSON.stringify(saved)) {
      const isApplied = kept.revision === revision
      if (isApplied) replaceDocument(store, kept.document)
      setFound({ key: own, kept, isApplied })
    } else lookElsewhere()
    return keepUnsaved(store, localStorage, own, window)
  }, [store, own, lookElsewhere])
  useEffect(() => {
    if (!isElsewhere) return
    // The other window has saved it, or gone on.
    const changed = (event: StorageEvent) => {
      if (event.key === found.key) lookElsewhere()
    }
    window.addEventListener('storage', changed)
    return () => window.removeEventListener('storage', changed)
  }, [found, isElsewhere, lookElsewhere])
  return {
    found,
    isElsewhere,
    apply: () => {
      if (!found) return
      replaceDocument(store, found.kept.document)
      if (isElsewhere) takeKept(localStorage, found.key, own)
      lookElsewhere()
    },
    keep: lookElsewhere,
    discard: () => {
      if (found?.isApplied) replaceDocument(store, store.getState().saved)
      else if (found) dropKept(localStorage, found.key)
      lookElsewhere()
    },
  }
}
