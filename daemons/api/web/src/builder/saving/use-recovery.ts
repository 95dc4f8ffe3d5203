/** Unsaved changes that this browser kept from an earlier visit: brought back when nobody saved since, offered when somebody did. */
import { useEffect, useState } from 'react'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { type KeptDraft, draftKey, dropKept, keepUnsaved, readKept } from '../../document/kept-draft'
import { replaceDocument } from '../../document/replace'

export interface Recovery {
  kept: KeptDraft<AppDocument> | undefined
  /** Whether the document is the kept one already. */
  isApplied: boolean
  apply: () => void
  keep: () => void
  discard: () => void
}

export function useRecovery(store: DraftStore<AppDocument>, user: string, slug: string): Recovery {
  const key = draftKey(user, slug)
  const [found, setFound] = useState<Pick<Recovery, 'kept' | 'isApplied'>>({ kept: undefined, isApplied: false })
  useEffect(() => {
    const kept = readKept<AppDocument>(localStorage, key)
    const { revision, saved } = store.getState()
    if (kept && JSON.stringify(kept.document) !== JSON.stringify(saved)) {
      const isApplied = kept.revision === revision
      if (isApplied) replaceDocument(store, kept.document)
      setFound({ kept, isApplied })
    }
    return keepUnsaved(store, localStorage, key, window)
  }, [store, key])
  const forget = () => setFound({ kept: undefined, isApplied: false })
  return {
    ...found,
    apply: () => {
      if (found.kept) replaceDocument(store, found.kept.document)
      forget()
    },
    keep: forget,
    discard: () => {
      if (found.isApplied) replaceDocument(store, store.getState().saved)
      else dropKept(localStorage, key)
      forget()
    },
  }
}
