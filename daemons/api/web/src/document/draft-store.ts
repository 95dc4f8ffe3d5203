/**
 * An edited document: its undo history and where it stands against the server. The builder and the workflow page edit theirs
 * through it.
 *
 * Every change is a pair of immer patches, so undo covers all of them alike. Typing into one field is one step.
 */
import { type Draft, type Patch, applyPatches, enablePatches, produceWithPatches } from 'immer'
import { type StoreApi, createStore } from 'zustand/vanilla'
import { isProblem } from '../api/problem'
import { t } from '../messages/messages'

enablePatches()

/** Changes with the same key within this time are one step. */
const mergeMs = 1200
const maxSteps = 500

interface Step {
  patches: Patch[]
  inverse: Patch[]
  key: string | undefined
  at: number
}

export interface DraftState<Document> {
  document: Document
  saved: Document
  revision: number
  past: Step[]
  future: Step[]
  isSaving: boolean
  /** Why the last save did not work. */
  problem: unknown
  /** Why it is not saved by itself yet: what is being typed is not whole. */
  waits: unknown
}

/** Nothing stands in the way of saving. */
const sound = { problem: undefined, waits: undefined }

export interface DraftActions<Document> {
  edit: (recipe: (draft: Draft<Document>) => void, mergeKey?: string) => void
  undo: () => void
  redo: () => void
  /** True when the server has the document as it is now. A quiet save, which nobody asked for, waits until the document is sound. */
  save: (isQuiet?: boolean) => Promise<boolean>
  /** Goes on from what the server has now: the next save is over that. */
  rebase: (saved: Document, revision: number) => void
}

export type DraftStore<Document> = StoreApi<DraftState<Document>> & DraftActions<Document>

export function createDraftStore<Document extends object>(initial: Document, revision: number, send: (revision: number, document: Document) => Promise<number>): DraftStore<Document> {
  const store = createStore<DraftState<Document>>(() => ({ document: initial, saved: initial, revision, past: [], future: [], isSaving: false, ...sound }))
  const { getState, setState } = store

  const edit: DraftActions<Document>['edit'] = (recipe, key) => {
    const { document, past } = getState()
    const [next, patches, inverse] = produceWithPatches(document, (draft) => {
      recipe(draft)
    })
    if (patches.length === 0) return
    const last = past.at(-1)
    const at = Date.now()
    const merges = key !== undefined && last?.key === key && at - last.at < mergeMs
    const step = merges ? { patches: [...last.patches, ...patches], inverse: [...inverse, ...last.inverse], key, at } : { patches, inverse, key, at }
    setState({ document: next, past: [...(merges ? past.slice(0, -1) : past), step].slice(-maxSteps), future: [] })
  }

  const undo = () => {
    const { document, past, future } = getState()
    const step = past.at(-1)
    if (step) setState({ document: applyPatches(document, step.inverse), past: past.slice(0, -1), future: [step, ...future] })
  }

  const redo = () => {
    const { document, past, future } = getState()
    const [step, ...rest] = future
    // Without its key: what is typed next must not melt into what was redone.
    if (step) setState({ document: applyPatches(document, step.patches), past: [...past, { ...step, key: undefined }], future: rest })
  }

  const save = async (isQuiet = false) => {
    const { document, saved, revision: base, isSaving } = getState()
    if (isSaving) return false
    if (document === saved) return true
    // What a quiet save says stays until the next one has ended: it would come and go.
    setState({ isSaving: true, ...(isQuiet ? {} : sound) })
    try {
      setState({ revision: await send(base, document), saved: document, ...sound })
      return getState().document === document
    } catch (problem) {
      // Whoever was told that it is not sound is told so until it is.
      const isToldQuietly = isQuiet && isProblem(problem, 'document-invalid') && !isProblem(getState().problem, 'document-invalid')
      setState(isToldQuietly ? { problem: undefined, waits: problem } : { problem, waits: undefined })
      return false
    } finally {
      setState({ isSaving: false })
    }
  }

  const rebase = (saved: Document, now: number) => setState({ saved, revision: now, ...sound })

  return Object.assign(store, { edit, undo, redo, save, rebase })
}

/** Why what was changed is not saved, where it was tried. */
export function unsavedReason<Document>({ document, saved, problem, waits }: DraftState<Document>): unknown {
  return problem ?? (document === saved ? undefined : waits)
}

/** What the top bar says about a draft. */
export function saveText<Document>({ document, saved, isSaving, problem, waits }: DraftState<Document>): string {
  if (isSaving) return t('Saving…')
  if (isProblem(problem, 'draft-changed')) return t('Changed by someone else')
  if (problem) return t('Not saved')
  if (waits && document !== saved) return t('Not saved yet')
  return document === saved ? t('Saved') : t('Unsaved changes')
}
