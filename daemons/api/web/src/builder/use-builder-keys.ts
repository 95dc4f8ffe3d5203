/** The canvas's keys: arrows move, with Shift resize, Delete removes, Ctrl/Cmd-A, -C, -X, -V and -D do as anywhere, Escape lets go. */
import { useEffect } from 'react'
import type { AppDocument, GridRect } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { namesOn } from '../components/slot'
import { isTyping } from '../document/use-draft-keys'
import { phoneLayoutOf } from '../runtime/phone-layout'
import { canvasView } from './canvas-view'
import { clipOf } from './clipboard'
import { duplicateComponent, freeName, moveComponents, removeComponents } from './edits'
import { clamp, gridFor } from './layout'

interface Options {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  setSelection: (names: string[]) => void
  isEnabled: boolean
}

const steps: Record<string, [dx: number, dy: number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** With the canvas, not after it: a key that is pressed as soon as something can be selected must not be lost. */
export function useBuilderKeys({ store, page, selection, setSelection, isEnabled }: Options): void {
  useEffect(() => {
    if (!isEnabled) return
    const onKey = (event: KeyboardEvent) => {
      // What a component took for itself, such as an arrow on a tab, is done.
      if (event.defaultPrevented || isElsewhere(event.target)) return
      if (event.key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault()
        return setSelection(namesOn(store.getState().document.pages[page] ?? {}))
      }
      if (selection.length === 0) return
      const step = steps[event.key]
      if (step && !(event.ctrlKey || event.metaKey || event.altKey)) nudge(store, page, selection, step, event.shiftKey)
      else if (event.key === 'Delete' || event.key === 'Backspace') {
        store.edit((draft) => removeComponents(draft, page, selection))
        setSelection([])
      } else if (event.key === 'Escape') setSelection([])
      else if (event.key.toLowerCase() === 'd' && (event.ctrlKey || event.metaKey)) void duplicate(store, page, selection).then(setSelection)
      else return
      event.preventDefault()
    }
    const onCopy = (event: ClipboardEvent) => {
      const clip = isElsewhere(event.target) || getSelection()?.type === 'Range' ? undefined : clipOf(store.getState().document, page, selection)
      if (!clip) return
      event.preventDefault()
      event.clipboardData?.setData('text/plain', JSON.stringify(clip))
      if (event.type !== 'cut') return
      store.edit((draft) => removeComponents(draft, page, selection))
      setSelection([])
    }
    const onPaste = (event: ClipboardEvent) => {
      const text = isElsewhere(event.target) ? '' : (event.clipboardData?.getData('text/plain') ?? '')
      if (text.trimStart().startsWith('{')) void paste(store, page, selection, text).then((names) => (names.length > 0 ? setSelection(names) : undefined))
    }
    document.addEventListener('copy', onCopy)
    document.addEventListener('cut', onCopy)
    document.addEventListener('paste', onPaste)
    window.addEventListener('keydown', onKey)
    return () => {
      window.removeEventListener('keydown', onKey)
      document.removeEventListener('copy', onCopy)
      document.removeEventListener('cut', onCopy)
      document.removeEventListener('paste', onPaste)
    }
  }, [store, page, selection, setSelection, isEnabled])
}

/** Where keys are not the canvas's: in a field, or while a dialog is open. */
function isElsewhere(target: EventTarget | null): boolean {
  return isTyping(target) || document.querySelector('dialog[open]') !== null
}

/** Pastes into the selected container, or beside what is selected; the new names. */
async function paste(store: DraftStore<AppDocument>, page: string, selection: string[], text: string): Promise<string[]> {
  const [{ parseClip, pasteClip }, { renameInTemplate }] = await Promise.all([import('./paste'), import('../document/rename')])
  const clip = parseClip(text)
  if (!clip) return []
  // A modal stands on its page alone.
  const grid = Object.values(clip.components).some(({ type }) => type === 'modal') ? {} : gridFor(store.getState().document.pages[page], selection[0], () => undefined)
  let names: string[] = []
  store.edit((draft) => void (names = pasteClip(draft, page, clip, grid, renameInTemplate)))
  return names
}

function nudge(store: DraftStore<AppDocument>, page: string, names: string[], [dx, dy]: [number, number], resizes: boolean): void {
  const { device } = canvasView.getState()
  const shown = store.getState().document.pages[page] ?? {}
  const layout = device === 'phone' ? phoneLayoutOf(shown) : (shown.layout ?? {})
  const moved: Record<string, GridRect> = {}
  for (const name of names) {
    const rect = layout[name]
    if (!rect) continue
    moved[name] = clamp(resizes ? { ...rect, width: Math.min(rect.width + dx, 24 - rect.column), height: rect.height + dy } : { ...rect, column: rect.column + dx, row: rect.row + dy })
  }
  store.edit((draft) => moveComponents(draft, page, moved, device), `nudge ${names.join()}`)
}

async function duplicate(store: DraftStore<AppDocument>, page: string, names: string[]): Promise<string[]> {
  const { renameInTemplate } = await import('../document/rename')
  const copies: string[] = []
  const { modules } = store.getState().document
  for (const name of names.filter((one) => modules?.[one])) copies.push(...(await duplicateModule(store, page, name)))
  store.edit((draft) => {
    for (const name of names.filter((one) => !modules?.[one])) {
      const copy = duplicateComponent(draft, page, name, renameInTemplate)
      if (copy) copies.push(copy)
    }
  })
  return copies
}

async function duplicateModule(store: DraftStore<AppDocument>, page: string, name: string): Promise<string[]> {
  const { copiedModule } = await import('../document/modules')
  const { document } = store.getState()
  const rect = document.pages[page]?.layout?.[name]
  if (!rect) return []
  const copy = freeName(document, name.replace(/\d+$/, ''))
  const copied = copiedModule(document, page, name, copy, rect)
  store.edit((draft) => {
    Object.assign(draft, copied)
    moveComponents(draft, page, { [copy]: { ...rect, row: rect.row + rect.height } })
  })
  return [copy]
}
